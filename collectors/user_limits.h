/*
 * db_max_user_connections: the translator between the users table and samples. Pure.
 */
#ifndef COLLECTORS_USER_LIMITS_H
#define COLLECTORS_USER_LIMITS_H

#include "db/inventory.h"
#include "metrics/batch.h"

/* One sample per row. A sealed batch, one reference for the caller; NULL when memory runs out. */
struct batch *user_limits_render(const struct user_limits *limits);

#endif
