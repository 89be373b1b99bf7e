/*
 * db_user_session_count: the translator between a DAS reply and samples, and of the optional
 * metrics that the same reply holds. Pure.
 */
#ifndef COLLECTORS_USER_SESSIONS_H
#define COLLECTORS_USER_SESSIONS_H

#include "config/config.h"
#include "das/reply.h"
#include "db/inventory.h"
#include "metrics/batch.h"

/*
 * The samples of a finished reply: one per user, users that occur twice are added up; and those
 * of the optional metrics that are on. Returns a sealed batch, one reference for the caller; NULL
 * when memory runs out.
 */
struct batch *user_sessions_render(const struct target *target, const struct das_reply *reply,
                                   const struct optional_metrics_config *optional);

#endif
