#include "sessions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char *const ordinary_names[] = {"app_user", "report_user", "etl_user",
                                             "monitor",  "root",        "aurora"};

enum { ORDINARY_NAMES = sizeof(ordinary_names) / sizeof(ordinary_names[0]) };

#define FIFTY "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const char *const strange_names[] = {
    "quote\"d",
    "back\\slash",
    "new\nline",
    "tab\tbed",
    "\xe4\xb8\xad\xe6\x96\x87",
    "",
    FIFTY FIFTY FIFTY FIFTY FIFTY "12345",
    SESSIONS_BROKEN_NAME,
    "{le=\"1\"} 2 # x",
    "\xf0\x9f\x90\xac",
};

enum { STRANGE_NAMES = sizeof(strange_names) / sizeof(strange_names[0]) };

static char *user_name(const struct session_shape *shape, size_t index)
{
    if (shape->strange)
        return xstrdup(strange_names[index]);
    if (index < ORDINARY_NAMES)
        return xstrdup(ordinary_names[index]);
    return xprintf("user_%04zu", index + 1);
}

size_t sessions_user_most(const struct session_shape *shape)
{
    if (shape->empty)
        return 0;
    return shape->strange ? STRANGE_NAMES : shape->users;
}

bool sessions_user(const struct session_shape *shape, size_t index, struct user_sessions *out)
{
    char *name = user_name(shape, index);
    char *text = xprintf("%s/%s/%" PRId64, shape->target, name, shape->generation);
    uint64_t hash = fnv1a64(text);
    bool present = index == 0 || shape->strange || (hash >> 56) % 8 != 0;

    free(text);
    *out = (struct user_sessions){NULL, 1 + hash % 20, 0};
    out->active = (hash >> 32) % (out->total + 1);
    if (!present) {
        free(name);
        return false;
    }
    if (strcmp(name, SESSIONS_BROKEN_NAME) == 0) {
        free(name);
        name = xstrdup(SESSIONS_BROKEN_STAND_IN);
    }
    out->name = name;
    return true;
}
