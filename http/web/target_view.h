/*
 * Which targets are shown, and how: the query of /api/v1/targets, and what it selects from the status.
 * Pure.
 */
#ifndef HTTP_WEB_TARGET_VIEW_H
#define HTTP_WEB_TARGET_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "http/query.h"
#include "schedule/status.h"

#define TARGET_VIEW_ROWS 100 /* of a page */

/* What matters about a target before its state does. */
enum target_health {
    TARGET_DOWN,    /* its last cycle failed, or it cannot be asked */
    TARGET_PENDING, /* not asked to the end yet */
    TARGET_UP,
    TARGET_HEALTH_COUNT
};

enum target_health target_health(const struct target_status *target);
const char *target_health_name(enum target_health health);

enum target_column {
    COLUMN_INSTANCE,
    COLUMN_NODE,
    COLUMN_ACCOUNT,
    COLUMN_STATE,
    COLUMN_AGE,
    COLUMN_NEXT_RUN,
    COLUMN_FAILURES,
    COLUMN_ERROR,
    COLUMN_COUNT
};

enum target_parameter {
    PARAMETER_ALIYUN_UID,
    PARAMETER_INS_ID,
    PARAMETER_STATE, /* the name of a state or of a health */
    PARAMETER_TEXT,  /* "q": in the instance's id or name, or the node's id; not case-sensitive */
    PARAMETER_SORT,
    PARAMETER_PAGE, /* from 1; without it all that match */
    PARAMETER_COUNT
};

struct target_view {
    struct query_parameter parameters[PARAMETER_COUNT]; /* an empty value changes nothing */
    enum target_column column;
    bool descending;
    size_t page; /* 0: all that match at once */
};

/* False, with one line in `why`, when the query is wrong. */
bool target_view_read(struct target_view *view, const char *query, char *why, size_t size);

const char *target_view_value(const struct target_view *view, enum target_parameter parameter);
bool target_view_has_account(const struct target_view *view, const struct account_status *account);

/* What a view selects; points into the status. */
struct target_selection {
    const struct target_status **targets; /* in the view's order */
    size_t count;
    size_t health[TARGET_HEALTH_COUNT]; /* of those */
    size_t page_count;                  /* at least 1 */
    size_t page;                        /* that of the view, or the last one */
    size_t first, end;                  /* of the page: [first, end) */
};

/* False when memory ran out; to be released in any case. */
bool target_view_select(const struct target_view *view, const struct status *status,
                        struct target_selection *selection);
void target_selection_release(struct target_selection *selection);

#endif
