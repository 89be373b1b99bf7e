/* The one object of the program. A single thread runs it: no locks anywhere. */
#ifndef DAS_SIM_SIM_H
#define DAS_SIM_SIM_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "account.h"
#include "call.h"
#include "metadata.h"
#include "nonce.h"
#include "options.h"
#include "result.h"
#include "sts.h"
#include "target.h"
#include "util.h"

struct event_base;

struct sim {
    struct options options;
    struct event_base *base;
    struct account_book accounts;
    struct tally nobody; /* calls whose access key is unknown */
    struct target_table targets;
    struct result_store results;
    struct nonce_set nonces;
    struct sts sts;
    struct metadata metadata;
    struct call_list calls; /* every call that has not been answered in full */
    struct random random;
    json_t *instance_faults; /* InstanceId → fault name, given by /control */
    char *hang_uid;          /* NULL: none */
    int64_t deny_next;       /* calls still to deny */
    uint64_t started_us;
    uint64_t connections;
    uint64_t bad_requests; /* neither a call nor one of our own pages */
    FILE *log;             /* NULL: none */
};

#endif
