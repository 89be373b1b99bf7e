/*
 * Every rule works on sorted rows, so that a load costs O(n log n): rows that break a rule are
 * counted and dropped, the rest is sorted with the row that wins a duplicate first, and nodes are
 * joined to their clusters by walking both sorted tables once.
 */
#include "db/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/text.h"
#include "db/exclusion.h"
#include "db/row_array.h"
#include "db/row_remarks.h"

#define TYPE_RDS     "rds"
#define TYPE_POLARDB "polardb"

void rows_init(struct rows *rows)
{
    *rows = (struct rows){0};
    arena_init(&rows->inventory_arena);
    arena_init(&rows->user_arena);
    arena_init(&rows->account_arena);
}

void rows_release(struct rows *rows)
{
    free(rows->instances);
    free(rows->nodes);
    free(rows->users);
    free(rows->accounts);
    arena_release(&rows->inventory_arena);
    arena_release(&rows->user_arena);
    arena_release(&rows->account_arena);
    rows_init(rows);
}

bool rows_add_instance(struct rows *rows, const struct instance_row *row)
{
    struct arena *arena = &rows->inventory_arena;
    struct instance_row copy = *row;
    struct instance_row *grown =
        row_array_reserve(rows->instances, rows->instance_count, &rows->instance_capacity, sizeof(*grown));

    if (grown == NULL)
        return false;
    rows->instances = grown;
    copy.ins_id = row_text_copy(arena, row->ins_id);
    copy.ins_name = row_text_copy(arena, row->ins_name);
    copy.ins_type = row_text_copy(arena, row->ins_type);
    copy.engine = row_text_copy(arena, row->engine);
    copy.aliyun_uid = row_text_copy(arena, row->aliyun_uid);
    if (copy.ins_id == NULL || copy.ins_name == NULL || copy.ins_type == NULL || copy.engine == NULL ||
        copy.aliyun_uid == NULL || !row_value_keep(arena, &copy.ins_is_readonly) ||
        !row_value_keep(arena, &copy.ins_status) || !row_value_keep(arena, &copy.updated) ||
        !row_value_keep(arena, &copy.id))
        return false;
    grown[rows->instance_count++] = copy;
    return true;
}

bool rows_add_node(struct rows *rows, const struct node_row *row)
{
    struct node_row copy = *row;
    struct node_row *grown =
        row_array_reserve(rows->nodes, rows->node_count, &rows->node_capacity, sizeof(*grown));

    if (grown == NULL)
        return false;
    rows->nodes = grown;
    copy.ins_id = row_text_copy(&rows->inventory_arena, row->ins_id);
    copy.node_id = row_text_copy(&rows->inventory_arena, row->node_id);
    if (copy.ins_id == NULL || copy.node_id == NULL ||
        !row_value_keep(&rows->inventory_arena, &copy.node_type) ||
        !row_value_keep(&rows->inventory_arena, &copy.updated) ||
        !row_value_keep(&rows->inventory_arena, &copy.id))
        return false;
    grown[rows->node_count++] = copy;
    return true;
}

bool rows_add_user(struct rows *rows, const struct user_row *row)
{
    struct user_row copy = *row;
    struct user_row *grown =
        row_array_reserve(rows->users, rows->user_count, &rows->user_capacity, sizeof(*grown));

    if (grown == NULL)
        return false;
    rows->users = grown;
    copy.ins_id = row_text_copy(&rows->user_arena, row->ins_id);
    copy.username = row_text_copy(&rows->user_arena, row->username);
    if (copy.ins_id == NULL || copy.username == NULL ||
        !row_value_keep(&rows->user_arena, &copy.max_user_connections))
        return false;
    grown[rows->user_count++] = copy;
    return true;
}

/* The exported spelling of a type; NULL for types that are not asked. */
static const char *type_canonical(const char *ins_type)
{
    if (strcasecmp(ins_type, TYPE_RDS) == 0)
        return TYPE_RDS;
    if (strcasecmp(ins_type, TYPE_POLARDB) == 0)
        return TYPE_POLARDB;
    return NULL;
}

/* The columns ins_is_readonly and node_type: 0 read-write, 1 read-only, nothing else. */
static bool node_type_valid(struct row_value value)
{
    return value.value == 0 || value.value == 1;
}

static enum node_type node_type_from(struct row_value value)
{
    return value.value == 1 ? NODE_TYPE_READ : NODE_TYPE_WRITE;
}

/* The column of a text that is compared and holds what nobody sees, and the text; NULL when there is none. */
static const char *invisible_column(const struct instance_row *row, const char **text)
{
    const char *const texts[] = {row->ins_id, row->aliyun_uid, row->ins_type, row->engine};
    static const char *const columns[] = {"ins_id", "aliyun_uid", "ins_type", "engine"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *text = texts[i];
        if (text_invisible(texts[i]) != NULL)
            return columns[i];
    }
    return NULL;
}

/*
 * The first rule that the row breaks by itself; REJECTION_COUNT when it breaks none. Leaves the
 * canonical type in *type.
 */
static enum rejection instance_rejection(const struct instance_row *row, const struct exclusion *exclude,
                                         const char **type)
{
    const char *invisible;

    *type = type_canonical(row->ins_type);
    if (row->ins_status.value != 1 && row->ins_status.value != ROW_NUMBER_NULL)
        return REJECTED_DISABLED;
    if (invisible_column(row, &invisible) != NULL)
        return REJECTED_INVALID_VALUE;
    if (row->engine[0] != '\0' && strcasecmp(row->engine, "mysql") != 0)
        return REJECTED_NOT_MYSQL;
    if (*type == NULL)
        return REJECTED_UNSUPPORTED_TYPE;
    if (row->ins_id[0] == '\0' || row->aliyun_uid[0] == '\0')
        return REJECTED_MISSING_ID;
    if (exclusion_matches(exclude, row->ins_id))
        return REJECTED_EXCLUDED;
    if (row->ins_status.value == ROW_NUMBER_NULL)
        return REJECTED_INVALID_VALUE;
    if (strcmp(*type, TYPE_RDS) == 0 && !node_type_valid(row->ins_is_readonly))
        return REJECTED_INVALID_VALUE;
    return REJECTION_COUNT;
}

/* Says why a row has an invalid value; a good one may lack its time. */
static void remark_instance(struct remarks *remarks, const struct instance_row *row, bool good)
{
    const char *invisible;
    const char *column = invisible_column(row, &invisible);
    char name[ROW_NAME_SIZE];

    row_name_format(name, row->id, "instance '%.80s'", row->ins_id);
    if (good)
        remark_undated(remarks, name, row->updated);
    else if (column != NULL)
        remark_invisible(remarks, name, column, invisible);
    else if (row->ins_status.value == ROW_NUMBER_NULL)
        remark_value(remarks, name, "ins_status", row->ins_status, "0 or 1");
    else
        remark_value(remarks, name, "ins_is_readonly", row->ins_is_readonly, "0 or 1");
}

static void instances_filter(struct rows *rows, const struct exclusion *exclude, struct inventory *inventory)
{
    struct remarks *remarks = &rows->remarks[REMARKS_INSTANCES];
    size_t kept = 0;

    for (size_t i = 0; i < rows->instance_count; i++) {
        struct instance_row *row = &rows->instances[i];
        const char *type;
        enum rejection rejection = instance_rejection(row, exclude, &type);
        bool good = rejection == REJECTION_COUNT;
        bool undated = good && row->updated.value == ROW_NUMBER_NULL;

        if (undated || rejection == REJECTED_INVALID_VALUE)
            remark_instance(remarks, row, good);
        inventory->undated_rows += undated;
        if (!good) {
            inventory->rejected[rejection]++;
            continue;
        }
        row->ins_type = type;
        rows->instances[kept++] = *row;
    }
    rows->instance_count = kept;
}

static int instance_row_compare(const void *left, const void *right)
{
    const struct instance_row *a = left;
    const struct instance_row *b = right;
    int order = strcmp(a->ins_id, b->ins_id);

    if (order == 0)
        order = row_newer_first(a->updated, a->id, b->updated, b->id);
    if (order == 0) /* a view may give all rows one id: the winner must not be the server's chance */
        order = strcmp(b->aliyun_uid, a->aliyun_uid);
    return order != 0 ? order : strcmp(b->ins_name, a->ins_name);
}

static int node_row_compare(const void *left, const void *right)
{
    const struct node_row *a = left;
    const struct node_row *b = right;
    int order = strcmp(a->ins_id, b->ins_id);

    if (order == 0)
        order = strcmp(a->node_id, b->node_id);
    if (order == 0)
        order = row_newer_first(a->updated, a->id, b->updated, b->id);
    return order != 0 ? order : row_larger_first(a->node_type.value, b->node_type.value);
}

static int user_row_compare(const void *left, const void *right)
{
    const struct user_row *a = left;
    const struct user_row *b = right;
    int order = strcmp(a->ins_id, b->ins_id);

    if (order == 0)
        order = strcmp(a->username, b->username);
    return order != 0 ? order
                      : row_larger_first(a->max_user_connections.value, b->max_user_connections.value);
}

static void instances_deduplicate(struct rows *rows, uint64_t *rejected)
{
    size_t kept = 0;

    row_array_sort(rows->instances, rows->instance_count, sizeof(*rows->instances), instance_row_compare);
    for (size_t i = 0; i < rows->instance_count; i++) {
        if (kept > 0 && strcmp(rows->instances[kept - 1].ins_id, rows->instances[i].ins_id) == 0)
            rejected[REJECTED_DUPLICATE_INSTANCE]++;
        else
            rows->instances[kept++] = rows->instances[i];
    }
    rows->instance_count = kept;
}

static void add_target(struct inventory *inventory, const struct instance *instance, const char *node_id,
                       struct row_value node_type)
{
    inventory->targets[inventory->target_count++] = (struct target){
        .instance = instance,
        .node_id = node_id,
        .node_type = node_type_from(node_type),
    };
}

/* Says what of a node's row was not understood. */
static void remark_node(struct remarks *remarks, const struct node_row *node)
{
    char name[ROW_NAME_SIZE];

    row_name_format(name, node->id, "node '%.60s' of '%.60s'", node->node_id, node->ins_id);
    if (text_invisible(node->node_id) != NULL)
        remark_invisible(remarks, name, "node_id", node->node_id);
    else if (!node_type_valid(node->node_type))
        remark_value(remarks, name, "node_type", node->node_type, "0 or 1");
    else
        remark_undated(remarks, name, node->updated);
}

static bool node_understood(const struct node_row *node)
{
    return node_type_valid(node->node_type) && text_invisible(node->node_id) == NULL;
}

/* Adds a target for each good, distinct row in [nodes, end), all of one cluster. */
static void add_cluster_targets(struct inventory *inventory, const struct instance *instance,
                                const struct node_row *nodes, const struct node_row *end,
                                struct remarks *remarks)
{
    const char *previous = NULL;

    for (const struct node_row *node = nodes; node < end; node++) {
        bool undated = node->updated.value == ROW_NUMBER_NULL;

        inventory->undated_rows += undated;
        if (node->node_id[0] != '\0' && (undated || !node_understood(node)))
            remark_node(remarks, node);
        if (node->node_id[0] == '\0') {
            inventory->rejected[REJECTED_MISSING_ID]++;
        } else if (!node_understood(node)) {
            inventory->rejected[REJECTED_INVALID_VALUE]++;
        } else if (previous != NULL && strcmp(previous, node->node_id) == 0) {
            inventory->rejected[REJECTED_DUPLICATE_NODE]++;
        } else {
            add_target(inventory, instance, node->node_id, node->node_type);
            previous = node->node_id;
        }
    }
}

/* Adds one instance and its targets; [nodes, end) are the node rows with its ins_id. */
static void add_instance(struct inventory *inventory, const struct instance_row *row,
                         const struct node_row *nodes, const struct node_row *end, struct remarks *remarks)
{
    struct instance *instance = &inventory->instances[inventory->instance_count];
    size_t targets_before = inventory->target_count;

    *instance = (struct instance){
        .ins_id = row->ins_id,
        .ins_name = row->ins_name,
        .ins_type = row->ins_type,
        .aliyun_uid = row->aliyun_uid,
    };
    if (strcmp(row->ins_type, TYPE_RDS) == 0)
        add_target(inventory, instance, "", row->ins_is_readonly);
    else
        add_cluster_targets(inventory, instance, nodes, end, remarks);
    if (inventory->target_count > targets_before)
        inventory->instance_count++;
    else
        inventory->rejected[REJECTED_NO_NODES]++;
}

/* Walks instances and nodes, both sorted by ins_id, side by side. */
static void join(struct inventory *inventory, struct rows *rows)
{
    const struct node_row *node = rows->nodes;
    const struct node_row *last = node == NULL ? NULL : node + rows->node_count;

    row_array_sort(rows->nodes, rows->node_count, sizeof(*rows->nodes), node_row_compare);
    for (; node < last && node->ins_id[0] == '\0'; node++)
        inventory->rejected[REJECTED_MISSING_ID]++;
    for (size_t i = 0; i < rows->instance_count; i++) {
        const struct instance_row *row = &rows->instances[i];
        const struct node_row *first;

        while (node < last && strcmp(node->ins_id, row->ins_id) < 0)
            node++;
        first = node;
        while (node < last && strcmp(node->ins_id, row->ins_id) == 0)
            node++;
        add_instance(inventory, row, first, node, &rows->remarks[REMARKS_INSTANCES]);
    }
}

struct inventory *inventory_build(struct rows *rows, const char *exclude, int64_t unix_ms,
                                  struct error *error)
{
    struct exclusion excluded = {0};
    struct inventory *inventory = calloc(1, sizeof(*inventory));
    bool built = false;

    if (inventory == NULL || !exclusion_init(&excluded, exclude))
        goto out;
    refcount_init(&inventory->refs);
    arena_init(&inventory->arena);
    inventory->loaded_unix_ms = unix_ms;
    inventory->row_count = rows->instance_count;
    instances_filter(rows, &excluded, inventory);
    instances_deduplicate(rows, inventory->rejected);
    inventory->instances =
        arena_alloc_array(&rows->inventory_arena, rows->instance_count, sizeof(struct instance));
    inventory->targets = arena_alloc_array(&rows->inventory_arena, rows->instance_count + rows->node_count,
                                           sizeof(struct target));
    if (inventory->instances == NULL || inventory->targets == NULL)
        goto out;
    join(inventory, rows);
    if (inventory->instance_count == 0)
        remark_none_left(&rows->remarks[REMARKS_INSTANCES], "instances", inventory->row_count,
                         inventory->rejected);
    inventory->arena = rows->inventory_arena;
    arena_init(&rows->inventory_arena);
    rows->instance_count = 0;
    rows->node_count = 0;
    built = true;
out:
    exclusion_release(&excluded);
    if (!built) {
        error_set(error, ERROR_NO_MEMORY, "no memory for an inventory of %zu rows",
                  rows->instance_count + rows->node_count);
        free(inventory);
        inventory = NULL;
    }
    return inventory;
}

static bool limit_valid(struct row_value limit)
{
    return limit.value >= 0 && limit.value <= ROW_LIMIT_MAX;
}

static void remark_user(struct remarks *remarks, const struct user_row *row)
{
    char name[ROW_NAME_SIZE];

    snprintf(name, sizeof(name), "user '%.60s' of '%.60s'", row->username, row->ins_id);
    if (text_invisible(row->ins_id) != NULL)
        remark_invisible(remarks, name, "ins_id", row->ins_id);
    else
        remark_value(remarks, name, "max_user_connections", row->max_user_connections, "0 to 4294967295");
}

/* Keeps the good rows, sorted and each account once, in place of the first ones. */
static void users_select(struct rows *rows, uint64_t *rejected)
{
    size_t kept = 0;

    row_array_sort(rows->users, rows->user_count, sizeof(*rows->users), user_row_compare);
    for (size_t i = 0; i < rows->user_count; i++) {
        const struct user_row *row = &rows->users[i];
        const struct user_row *previous = kept > 0 ? &rows->users[kept - 1] : NULL;

        if (row->ins_id[0] == '\0')
            rejected[REJECTED_MISSING_ID]++;
        else if (!limit_valid(row->max_user_connections) || text_invisible(row->ins_id) != NULL) {
            rejected[REJECTED_INVALID_VALUE]++;
            remark_user(&rows->remarks[REMARKS_USERS], row);
        } else if (previous != NULL && strcmp(previous->ins_id, row->ins_id) == 0 &&
                   strcmp(previous->username, row->username) == 0)
            rejected[REJECTED_DUPLICATE_USER]++;
        else
            rows->users[kept++] = *row;
    }
    rows->user_count = kept;
}

struct user_limits *user_limits_build(struct rows *rows, int64_t unix_ms, struct error *error)
{
    struct user_limits *limits = calloc(1, sizeof(*limits));

    if (limits == NULL)
        goto fail;
    refcount_init(&limits->refs);
    limits->loaded_unix_ms = unix_ms;
    limits->row_count = rows->user_count;
    users_select(rows, limits->rejected);
    limits->limits = arena_alloc_array(&rows->user_arena, rows->user_count, sizeof(*limits->limits));
    if (limits->limits == NULL)
        goto fail;
    for (size_t i = 0; i < rows->user_count; i++) {
        limits->limits[i] = (struct user_limit){
            .ins_id = rows->users[i].ins_id,
            .username = rows->users[i].username,
            .max_user_connections = rows->users[i].max_user_connections.value,
        };
    }
    limits->count = rows->user_count;
    if (limits->count == 0 && limits->row_count > 0)
        remark_none_left(&rows->remarks[REMARKS_USERS], "user limits", limits->row_count, limits->rejected);
    limits->arena = rows->user_arena;
    arena_init(&rows->user_arena);
    rows->user_count = 0;
    return limits;
fail:
    error_set(error, ERROR_NO_MEMORY, "no memory for the limits of %zu users", rows->user_count);
    free(limits);
    return NULL;
}
