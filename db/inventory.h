/*
 * What is to be asked: an immutable, reference-counted picture of the users' tables at one moment.
 *
 * Built by the inventory thread, then shared. All texts are well-formed UTF-8 or arbitrary bytes
 * as the tables hold them (the exposition repairs them); they live as long as the object.
 */
#ifndef DB_INVENTORY_H
#define DB_INVENTORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/refcount.h"

enum node_type { NODE_TYPE_WRITE, NODE_TYPE_READ };

/* Why a row of the inventory yields no target (or no sample). Names are label values. */
enum rejection {
    REJECTED_DISABLED,           /* ins_status is not 1 */
    REJECTED_NOT_MYSQL,          /* engine is neither mysql nor empty */
    REJECTED_UNSUPPORTED_TYPE,   /* ins_type is neither rds nor polardb */
    REJECTED_MISSING_ID,         /* ins_id, node_id or aliyun_uid is NULL or empty */
    REJECTED_INVALID_VALUE,      /* a value that is not understood, or an id with invisible characters */
    REJECTED_NO_NODES,           /* a PolarDB cluster without rows in instance_node_id */
    REJECTED_DUPLICATE_INSTANCE, /* an older row of the same ins_id */
    REJECTED_DUPLICATE_NODE,     /* an older row of the same ins_id and node_id */
    REJECTED_DUPLICATE_USER,     /* a lower limit of the same ins_id and username */
    REJECTED_MISSING_KEY,        /* an account without access_key_id or its secret */
    REJECTED_DUPLICATE_ACCOUNT,  /* an older row of the same aliyun_uid */
    REJECTED_EXCLUDED,           /* [inventory] exclude names it */
    REJECTED_NO_CREDENTIALS,     /* its aliyun_uid has no account; counted by the scheduler */
    REJECTION_COUNT
};

const char *rejection_name(enum rejection rejection);

/* "write" or "read". */
const char *node_type_name(enum node_type type);

struct instance {
    const char *ins_id;
    const char *ins_name;
    const char *ins_type; /* "rds" or "polardb", lower case */
    const char *aliyun_uid;
};

/* One thing to ask DAS about: an RDS instance, or one node of a PolarDB cluster. */
struct target {
    const struct instance *instance;
    const char *node_id; /* "" for RDS */
    enum node_type node_type;
};

struct inventory {
    struct refcount refs;
    struct arena arena;
    struct instance *instances; /* sorted by ins_id, unique; those with at least one target */
    size_t instance_count;
    struct target *targets; /* sorted by ins_id, node_id; unique */
    size_t target_count;
    uint64_t rejected[REJECTION_COUNT]; /* rows of this load */
    uint64_t row_count;                 /* in instance_list, or sections in the file */
    uint64_t undated_rows;              /* good ones whose updatetime was not understood */
    int64_t loaded_unix_ms;
};

struct user_limit {
    const char *ins_id;
    const char *username;
    int64_t max_user_connections;
};

/* The table instance_users at one moment. */
struct user_limits {
    struct refcount refs;
    struct arena arena;
    struct user_limit *limits; /* sorted by ins_id, username; unique */
    size_t count;
    uint64_t rejected[REJECTION_COUNT];
    uint64_t row_count; /* in instance_users */
    int64_t loaded_unix_ms;
};

/* References. Any thread. put frees at the last one; NULL is allowed. */
struct inventory *inventory_get(struct inventory *inventory);
void inventory_put(struct inventory *inventory);
struct user_limits *user_limits_get(struct user_limits *limits);
void user_limits_put(struct user_limits *limits);

#endif
