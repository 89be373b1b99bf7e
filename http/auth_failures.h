/*
 * Wrong passwords and tokens: how many there were, who sent them, and when that is too many. The owner locks.
 */
#ifndef HTTP_AUTH_FAILURES_H
#define HTTP_AUTH_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/complaint.h"
#include "metrics/self_metrics.h"

#define AUTH_FAILURES_CLIENTS 256

struct offender {
    uint64_t client;
    int64_t forgotten; /* when all its failures are; 0: unused */
};

/* All zero: none yet. */
struct auth_failures {
    uint64_t counts[AUTH_KIND_COUNT];
    struct complaint complaints[AUTH_KIND_COUNT];
    int64_t last[AUTH_KIND_COUNT]; /* when the last one came */
    struct offender offenders[AUTH_FAILURES_CLIENTS];
};

/*
 * True when the client (see client_of_text()) has failed ten times in a row; it may try once more each second.
 * Leaves no trace of the client.
 */
bool auth_failures_barred(const struct auth_failures *failures, uint64_t client, int64_t now);

/* Counts a failure, or an attempt of a client that is barred, and says it in the log, not each one. */
void auth_failures_add(struct auth_failures *failures, enum auth_kind kind, uint64_t client, int64_t now);

#endif
