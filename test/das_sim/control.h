/* POST /control?key=value&…: changes the simulation while it runs. */
#ifndef DAS_SIM_CONTROL_H
#define DAS_SIM_CONTROL_H

#include <jansson.h>

struct field_list;
struct sim;

/* All of them or none: NULL when they are accepted, else why not, which the caller
 * frees. */
char *control_apply(struct sim *sim, const struct field_list *settings);
/* The values now in force. */
json_t *control_report(const struct sim *sim);

#endif
