/*
 * db_user_session_count and the optional metrics that the same reply holds, asked of DAS: a first step submits the
 * question, the next ones poll for its result.
 */
#ifndef COLLECTORS_USER_SESSIONS_H
#define COLLECTORS_USER_SESSIONS_H

#include "collectors/collector.h"
#include "das/reply.h"

extern const struct collector user_sessions_collector;

/*
 * The samples of a finished reply: one per user, users that occur twice are added up; and those
 * of the optional metrics that are on. Returns a sealed batch, one reference for the caller; NULL
 * when memory runs out. Pure.
 */
struct batch *user_sessions_render(const struct target *target, const struct das_reply *reply,
                                   const struct optional_metrics_config *optional);

#endif
