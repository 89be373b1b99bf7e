/*
 * Is everything well, and if not, what first? Pure: from a copy of the program's state to findings in
 * the order of their importance.
 */
#ifndef HTTP_OVERVIEW_H
#define HTTP_OVERVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/html.h"
#include "schedule/status.h"

#define FINDINGS_MAX 16

/* Something worth a sentence. What the phrase does not use is empty. Borrows from the status. */
struct finding {
    enum level level;
    enum phrase phrase;
    const char *name;          /* {0} */
    uint64_t count;            /* {1} */
    uint64_t total;            /* {2} */
    int64_t seconds;           /* {3}, a duration */
    const struct error *error; /* NULL: none */
    const char *link;          /* where to see more; NULL: nowhere */
};

struct overview {
    struct finding findings[FINDINGS_MAX]; /* the most important one first; at least one */
    size_t count;
};

/* why: NULL when the program makes progress, else what hinders it. */
void overview_judge(struct overview *overview, const struct status *status, const char *why);

/* Whether a finding shows this very error of the status, which then need not be shown again. */
bool overview_shows(const struct overview *overview, const struct error *error);

void overview_render(const struct overview *overview, struct html *page);

/* How well an account is. */
enum level account_level(const struct account_status *account);

#endif
