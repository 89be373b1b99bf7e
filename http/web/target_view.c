#include "http/web/target_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#define PAGE_MAX 1000000

static const char *const health_names[TARGET_HEALTH_COUNT] = {
    [TARGET_DOWN] = "down",
    [TARGET_PENDING] = "pending",
    [TARGET_UP] = "up",
};

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_INSTANCE] = "ins_id",   [COLUMN_NODE] = "node_id", [COLUMN_ACCOUNT] = "aliyun_uid",
    [COLUMN_STATE] = "state",       [COLUMN_AGE] = "age",      [COLUMN_NEXT_RUN] = "next_run",
    [COLUMN_FAILURES] = "failures", [COLUMN_ERROR] = "error",
};

static const char *const parameter_names[PARAMETER_COUNT] = {
    [PARAMETER_ALIYUN_UID] = "aliyun_uid",
    [PARAMETER_INS_ID] = "ins_id",
    [PARAMETER_STATE] = "state",
    [PARAMETER_TEXT] = "q",
    [PARAMETER_SORT] = "sort",
    [PARAMETER_PAGE] = "page",
};

enum target_health target_health(const struct target_status *target)
{
    if (target->up)
        return TARGET_UP;
    return target->failures > 0 || target->state == TARGET_NO_CREDENTIALS ? TARGET_DOWN : TARGET_PENDING;
}

const char *target_health_name(enum target_health health)
{
    return health_names[health];
}

const char *target_view_value(const struct target_view *view, enum target_parameter parameter)
{
    return view->parameters[parameter].value;
}

static bool state_known(const char *name)
{
    for (int state = 0; state < TARGET_STATE_COUNT; state++) {
        if (strcmp(name, target_state_name((enum target_state)state)) == 0)
            return true;
    }
    for (int health = 0; health < TARGET_HEALTH_COUNT; health++) {
        if (strcmp(name, health_names[health]) == 0)
            return true;
    }
    return false;
}

static bool read_sort(struct target_view *view, const char *sort)
{
    view->descending = sort[0] == '-';
    sort += view->descending;
    for (view->column = 0; view->column < COLUMN_COUNT; view->column++) {
        if (strcmp(sort, column_names[view->column]) == 0)
            return true;
    }
    return false;
}

bool target_view_read(struct target_view *view, const char *query, char *why, size_t size)
{
    int64_t page = 0;

    *view = (struct target_view){.column = COLUMN_INSTANCE};
    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        view->parameters[i].name = parameter_names[i];
    if (!query_read(query, view->parameters, PARAMETER_COUNT, why, size)) {
        snprintf(why + strlen(why), size - strlen(why),
                 "; known are aliyun_uid, ins_id, state, q, sort and page");
        return false;
    }
    if (target_view_value(view, PARAMETER_STATE)[0] != '\0' &&
        !state_known(target_view_value(view, PARAMETER_STATE))) {
        snprintf(why, size, "there is no state '%s'", target_view_value(view, PARAMETER_STATE));
        return false;
    }
    if (target_view_value(view, PARAMETER_SORT)[0] != '\0' &&
        !read_sort(view, target_view_value(view, PARAMETER_SORT))) {
        snprintf(why, size, "cannot sort by '%s'", target_view_value(view, PARAMETER_SORT));
        return false;
    }
    if (target_view_value(view, PARAMETER_PAGE)[0] != '\0' &&
        !text_parse_int(target_view_value(view, PARAMETER_PAGE), 1, PAGE_MAX, &page)) {
        snprintf(why, size, "page is a number from 1 on");
        return false;
    }
    view->page = (size_t)page;
    return true;
}

bool target_view_has_account(const struct target_view *view, const struct account_status *account)
{
    const char *aliyun_uid = target_view_value(view, PARAMETER_ALIYUN_UID);

    return aliyun_uid[0] == '\0' || strcmp(aliyun_uid, account->aliyun_uid) == 0;
}

static bool value_matches(const char *wanted, const char *value)
{
    return wanted[0] == '\0' || strcmp(wanted, value) == 0;
}

static bool view_has(const struct target_view *view, const struct target_status *target)
{
    const char *state = target_view_value(view, PARAMETER_STATE);
    const char *text = target_view_value(view, PARAMETER_TEXT);

    if (!value_matches(target_view_value(view, PARAMETER_ALIYUN_UID), target->aliyun_uid) ||
        !value_matches(target_view_value(view, PARAMETER_INS_ID), target->ins_id))
        return false;
    if (!value_matches(state, target_state_name(target->state)) &&
        strcmp(state, health_names[target_health(target)]) != 0)
        return false;
    return text[0] == '\0' || strcasestr(target->ins_id, text) != NULL ||
           strcasestr(target->ins_name, text) != NULL || strcasestr(target->node_id, text) != NULL;
}

/* The part of the status' targets, [*first, *end), in which all are that the view has. */
static void view_range(const struct target_view *view, const struct status *status, size_t *first,
                       size_t *end)
{
    const char *ins_id = target_view_value(view, PARAMETER_INS_ID);
    size_t count = status->target_count;

    *first = 0;
    if (ins_id[0] != '\0')
        count = status_find_instance(status, ins_id, first);
    *end = *first + count;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* What comes first in ascending order of age: the newest data; what has none comes last. */
static int64_t age_key(const struct target_status *target)
{
    return target->last_success_unix_ms == 0 ? INT64_MAX : -target->last_success_unix_ms;
}

static int64_t next_run_key(const struct target_status *target)
{
    return target->next_run_unix_ms == 0 ? INT64_MAX : target->next_run_unix_ms;
}

static int64_t state_key(const struct target_status *target)
{
    return (int64_t)target_health(target) * TARGET_STATE_COUNT + (int64_t)target->state;
}

static int compare_errors(const struct error *a, const struct error *b)
{
    int order;

    if (a == NULL || b == NULL)
        return (a == NULL) - (b == NULL);
    order = strcmp(error_class_name(a->class), error_class_name(b->class));
    return order != 0 ? order : strcmp(a->code, b->code);
}

static int compare_by_column(const struct target_status *a, const struct target_status *b,
                             enum target_column column)
{
    switch (column) {
    case COLUMN_NODE:
        return strcmp(a->node_id, b->node_id);
    case COLUMN_ACCOUNT:
        return strcmp(a->aliyun_uid, b->aliyun_uid);
    case COLUMN_STATE:
        return compare_numbers(state_key(a), state_key(b));
    case COLUMN_AGE:
        return compare_numbers(age_key(a), age_key(b));
    case COLUMN_NEXT_RUN:
        return compare_numbers(next_run_key(a), next_run_key(b));
    case COLUMN_FAILURES:
        return (a->failures > b->failures) - (a->failures < b->failures);
    case COLUMN_ERROR:
        return compare_errors(a->error, b->error);
    case COLUMN_INSTANCE:
    case COLUMN_COUNT:
        break;
    }
    return 0;
}

/* Equal ones stay in the status' order, by ins_id and node_id, which is that of their addresses. */
static int compare_for_view(const void *first, const void *second, void *context)
{
    const struct target_status *a = *(const struct target_status *const *)first;
    const struct target_status *b = *(const struct target_status *const *)second;
    const struct target_view *view = context;
    int order = compare_by_column(a, b, view->column);

    if (order == 0)
        order = (a > b) - (a < b);
    return view->descending ? -order : order;
}

static void select_page(struct target_selection *selection, size_t page)
{
    size_t rows = page > 0 ? TARGET_VIEW_ROWS : selection->count;

    if (selection->count > 0)
        selection->page_count = (selection->count + rows - 1) / rows;
    selection->page = page < selection->page_count ? page : selection->page_count;
    if (selection->page == 0)
        selection->page = 1;
    selection->first = (selection->page - 1) * rows;
    selection->end = selection->count - selection->first < rows ? selection->count : selection->first + rows;
}

bool target_view_select(const struct target_view *view, const struct status *status,
                        struct target_selection *selection)
{
    struct target_view order = *view;
    size_t first, end;

    *selection = (struct target_selection){.page_count = 1};
    view_range(view, status, &first, &end);
    selection->targets = calloc(end - first + 1, sizeof(const struct target_status *));
    if (selection->targets == NULL)
        return false;
    for (size_t i = first; i < end; i++) {
        if (!view_has(view, &status->targets[i]))
            continue;
        selection->targets[selection->count++] = &status->targets[i];
        selection->health[target_health(&status->targets[i])]++;
    }
    if (view->column != COLUMN_INSTANCE || view->descending)
        qsort_r(selection->targets, selection->count, sizeof(const struct target_status *), compare_for_view,
                &order);
    select_page(selection, view->page);
    return true;
}

void target_selection_release(struct target_selection *selection)
{
    free(selection->targets);
    selection->targets = NULL;
}
