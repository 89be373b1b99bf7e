/*
 * A value on its way from the file to its key: ${NAME} becomes the environment variable's value,
 * the path in a <key>_file becomes the content of that file. Private to the configuration.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>

#include "config/table.h"
#include "core/error.h"
#include "core/strbuf.h"

struct config_value {
    const struct config_key *key;
    bool from_file;        /* it was given as <key>_file */
    const char *text;      /* borrowed from the caller, the environment or `content` */
    char variable[64];     /* the environment variable it came from, or "" */
    char *path;            /* of the file it came from, or NULL */
    struct strbuf content; /* of that file */
};

/* The caller then sets key and from_file. */
void config_value_init(struct config_value *value, const char *text);

/* Wipes what was read from a file. */
void config_value_release(struct config_value *value);

/* Relative paths start at `folder` (NULL: the working directory). Blocks on file I/O. */
bool config_value_resolve(struct config_value *value, const char *folder, struct error *error);

#endif
