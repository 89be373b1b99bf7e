/* --check: what would happen with this configuration. */
#ifndef APP_COMMANDS_CHECK_H
#define APP_COMMANDS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

/*
 * Reads the inventory and prints, per account, where its credentials come from and whether they are
 * accepted, targets, calls per second against the limit and the time of a full cycle. Blocks on the
 * inventory source and, unless `offline`, on one fetch of credentials and one call to DAS per account. True when
 * the exporter would run and every account would work within its quota. Main thread.
 */
bool check_run(struct config *config, bool offline, FILE *out, FILE *errors);

#endif
