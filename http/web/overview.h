/*
 * Is everything well, and if not, what first? Pure: from the status to findings in
 * the order of their importance.
 */
#ifndef HTTP_WEB_OVERVIEW_H
#define HTTP_WEB_OVERVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "schedule/status.h"

#define FINDINGS_MAX 16

/* How well something is. */
enum level { LEVEL_GOOD, LEVEL_NOTE, LEVEL_WARNING, LEVEL_BAD, LEVEL_COUNT };

const char *level_name(enum level level);

/*
 * Something worth a sentence, which the pages have as the phrase "finding.CODE". What it does not use is
 * empty. Borrows from the status.
 */
struct finding {
    enum level level;
    const char *code;
    const char *name;
    uint64_t count;
    uint64_t total;
    int64_t seconds;           /* a duration */
    const struct error *error; /* NULL: none, or that of a finding above */
};

struct overview {
    struct finding findings[FINDINGS_MAX]; /* the most important one first; at least one */
    size_t count;
};

/* why: NULL when the program makes progress, else what hinders it. */
void overview_judge(struct overview *overview, const struct status *status, const char *why);

/* How well an account is, and its state: up, down, pending or no_credentials. */
enum level account_level(const struct account_status *account);
const char *account_state(const struct account_status *account);

#endif
