/*
 * The configuration in force: its one holder. Whoever wants to know what is configured now takes a reference and
 * gives it back; a reload exchanges it, and the secrets of the old one are wiped when the last reference is gone.
 */
#ifndef CONFIG_IN_FORCE_H
#define CONFIG_IN_FORCE_H

#include "config/config.h"

struct config_in_force;

/* With its own reference to the first configuration. NULL when memory runs out. */
struct config_in_force *config_in_force_new(struct config *config);
void config_in_force_free(struct config_in_force *in_force); /* NULL is allowed */

/* A reference to the configuration that is in force now. Any thread, does not block. */
struct config *config_in_force_get(struct config_in_force *in_force);

/* Puts another one in force, with a reference of its own. Any thread, does not block. */
void config_in_force_set(struct config_in_force *in_force, struct config *config);

#endif
