/* The quota of one account, and the statistics that prove whether the client kept
 * to it. now never decreases. */
#ifndef DAS_SIM_QUOTA_H
#define DAS_SIM_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "options.h"

/* Lets the other tool make the calls that were due until now. */
void quota_run_foreign(struct account *account, const struct options *options, uint64_t now);
/* A call of the client has arrived, whatever becomes of it. */
void quota_attempt(struct account *account, const struct options *options, uint64_t now);
/* Whether the quota lets it through; if so it counts against the quota. A denied
 * call does not. */
bool quota_admit(struct account *account, const struct options *options, uint64_t now);
/* After a change of quota or window: start the windows afresh. */
void quota_restart(struct account *account);

#endif
