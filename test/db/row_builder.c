#include "test/db/row_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct instance_row rds_row(const char *ins_id)
{
    return (struct instance_row){
        .ins_id = ins_id,
        .ins_name = "orders",
        .ins_type = "RDS",
        .engine = "mysql",
        .aliyun_uid = "1000000000000001",
        .ins_status = {1, NULL},
    };
}

struct instance_row polardb_row(const char *ins_id)
{
    struct instance_row row = rds_row(ins_id);

    row.ins_type = "PolarDB";
    return row;
}

void add_instance(struct rows *rows, struct instance_row row)
{
    assert_true(rows_add_instance(rows, &row));
}

void add_node(struct rows *rows, const char *ins_id, const char *node_id, int64_t node_type)
{
    assert_true(rows_add_node(
        rows, &(struct node_row){.ins_id = ins_id, .node_id = node_id, .node_type = {node_type, NULL}}));
}

void add_user(struct rows *rows, const char *ins_id, const char *username, int64_t limit)
{
    assert_true(rows_add_user(
        rows,
        &(struct user_row){.ins_id = ins_id, .username = username, .max_user_connections = {limit, NULL}}));
}

struct inventory *build_excluding(struct rows *rows, const char *exclude)
{
    struct error error;
    struct inventory *inventory = inventory_build(rows, exclude, NOW_MS, &error);

    assert_non_null(inventory);
    rows_release(rows);
    return inventory;
}

struct inventory *build(struct rows *rows)
{
    return build_excluding(rows, "");
}

struct user_limits *build_limits(struct rows *rows)
{
    struct error error;
    struct user_limits *limits = user_limits_build(rows, NOW_MS, &error);

    assert_non_null(limits);
    rows_release(rows);
    return limits;
}
