/* Rows for tests, and what is built from them. */
#ifndef TEST_DB_ROW_BUILDER_H
#define TEST_DB_ROW_BUILDER_H

#include <stdint.h>

#include "db/rows.h"

#define NOW_MS 1700000000123

/* A good RDS row; tests change what they are about. */
struct instance_row rds_row(const char *ins_id);

struct instance_row polardb_row(const char *ins_id);

/* Append a row. */
void add_instance(struct rows *rows, struct instance_row row);
void add_node(struct rows *rows, const char *ins_id, const char *node_id, int64_t node_type);
void add_user(struct rows *rows, const char *ins_id, const char *username, int64_t limit);

/* Build, with a list of excluded instances or without one, and release the rows. */
struct inventory *build_excluding(struct rows *rows, const char *exclude);
struct inventory *build(struct rows *rows);
struct user_limits *build_limits(struct rows *rows);

#endif
