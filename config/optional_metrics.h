/*
 * The metrics that come from the same DAS reply as db_user_session_count, at no further call, and
 * are off until [optional_metrics] switches them on. A row is all of a metric: its configuration
 * key, its families and what its samples are taken from.
 *
 *   NODE(ID, name, value, help)                one sample for each target
 *   KEYED(ID, name, group, count, label, help) one sample for each element of a group, the largest
 *                                              series_per_target of them; the others are added up
 *                                              in the family name_overflow
 *
 *   value          a member of struct das_node in das/reply.h
 *   group, count   users, clients or schemas there; total or active
 *
 * The order of the rows is that of the page, of the configuration and of the enum.
 */
#ifndef CONFIG_OPTIONAL_METRICS_H
#define CONFIG_OPTIONAL_METRICS_H

/* clang-format off */
#define OPTIONAL_METRICS(NODE, KEYED)                                                                       \
    KEYED(USER_ACTIVE_SESSIONS, "db_user_active_sessions", users, active, "db_user",                        \
          "Sessions of a database user on one node that are executing something.")                          \
    NODE(NODE_SESSIONS, "db_node_sessions", total,                                                          \
         "Sessions on one node, idle ones included.")                                                       \
    NODE(NODE_ACTIVE_SESSIONS, "db_node_active_sessions", active,                                           \
         "Sessions on one node that are executing something.")                                              \
    NODE(NODE_LONGEST_ACTIVE_SESSION, "db_node_longest_active_session_seconds", longest_active,             \
         "How long the longest active session on one node has been executing.")                             \
    KEYED(CLIENT_SESSIONS, "db_client_sessions", clients, total, "client",                                  \
          "Sessions from one client address on one node, idle ones included.")                              \
    KEYED(SCHEMA_SESSIONS, "db_schema_sessions", schemas, total, "db_name",                                 \
          "Sessions with one default schema on one node, idle ones included.")
/* clang-format on */

#define OPTIONAL_NODE_ID(id, name, value, help)                OPTIONAL_##id,
#define OPTIONAL_KEYED_ID(id, name, group, count, label, help) OPTIONAL_##id,

enum optional_metric { OPTIONAL_METRICS(OPTIONAL_NODE_ID, OPTIONAL_KEYED_ID) OPTIONAL_METRIC_COUNT };

#undef OPTIONAL_NODE_ID
#undef OPTIONAL_KEYED_ID

#endif
