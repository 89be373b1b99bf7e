/* --check: what would happen with this configuration. */
#ifndef APP_CHECK_H
#define APP_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "core/config.h"

/*
 * Reads the inventory and prints, per account, targets, calls per second against the limit and
 * the time of a full cycle. Blocks on the inventory source; makes no DAS call. True when the
 * exporter would run and every account is configured and within its quota.
 */
bool check_run(const struct config *config, FILE *out, FILE *errors);

#endif
