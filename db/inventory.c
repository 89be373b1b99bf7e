#include "db/inventory.h"

#include <stdlib.h>

static const char *const rejection_names[REJECTION_COUNT] = {
    [REJECTED_DISABLED] = "disabled",
    [REJECTED_NOT_MYSQL] = "not_mysql",
    [REJECTED_UNSUPPORTED_TYPE] = "unsupported_type",
    [REJECTED_MISSING_ID] = "missing_id",
    [REJECTED_INVALID_VALUE] = "invalid_value",
    [REJECTED_NO_NODES] = "no_nodes",
    [REJECTED_DUPLICATE_INSTANCE] = "duplicate_instance",
    [REJECTED_DUPLICATE_NODE] = "duplicate_node",
    [REJECTED_DUPLICATE_USER] = "duplicate_user",
    [REJECTED_MISSING_KEY] = "missing_key",
    [REJECTED_DUPLICATE_ACCOUNT] = "duplicate_account",
    [REJECTED_EXCLUDED] = "excluded",
    [REJECTED_NO_CREDENTIALS] = "no_credentials",
};

const char *rejection_name(enum rejection rejection)
{
    return rejection_names[rejection];
}

const char *node_type_name(enum node_type type)
{
    return type == NODE_TYPE_READ ? "read" : "write";
}

struct inventory *inventory_get(struct inventory *inventory)
{
    refcount_get(&inventory->refs);
    return inventory;
}

void inventory_put(struct inventory *inventory)
{
    if (inventory == NULL || !refcount_put(&inventory->refs))
        return;
    arena_release(&inventory->arena);
    free(inventory);
}

struct user_limits *user_limits_get(struct user_limits *limits)
{
    refcount_get(&limits->refs);
    return limits;
}

void user_limits_put(struct user_limits *limits)
{
    if (limits == NULL || !refcount_put(&limits->refs))
        return;
    arena_release(&limits->arena);
    free(limits);
}
