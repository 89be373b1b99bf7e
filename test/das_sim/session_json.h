/* SessionData as JSON. */
#ifndef DAS_SIM_SESSION_JSON_H
#define DAS_SIM_SESSION_JSON_H

#include <jansson.h>

#include "sessions.h"
#include "util.h"

/* A new SessionData object. random decides the order of the keys and nothing else. */
json_t *session_json_build(const struct session_shape *shape, struct random *random);
/* One element of SessionList. */
json_t *session_json_entry(const char *user, uint64_t thread, bool active);

#endif
