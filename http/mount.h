/*
 * Below which path the pages are: for who asks the exporter itself, and for who asks the proxy in front of it.
 * Pure.
 */
#ifndef HTTP_MOUNT_H
#define HTTP_MOUNT_H

#include <stdbool.h>

#include "core/error.h"

#define MOUNT_PATH_SIZE 128

/* All zero: neither. */
struct mount {
    char route_prefix[MOUNT_PATH_SIZE];  /* of every path that is asked for, such as "/sessions"; "": none */
    char external_path[MOUNT_PATH_SIZE]; /* of every path in an answer, likewise */
};

/*
 * Reads [web] external_url (a URL or a path; "": none) and route_prefix ("": as in external_url; "/": none). False
 * with *error, which names the key and what was expected.
 */
bool mount_init(struct mount *mount, const char *external_url, const char *route_prefix, struct error *error);

/* Without a slash, so that no request can name them. */
#define MOUNT_ENTRANCE "entrance"
#define MOUNT_OUTSIDE  "outside"

/*
 * What follows the route prefix in the path of a request; MOUNT_ENTRANCE for "/" and for the prefix without a slash
 * after it, MOUNT_OUTSIDE for other paths without the prefix. "*" stays.
 */
const char *mount_below(const struct mount *mount, const char *path);

/*
 * Below which path the pages are for who asked for the path of a MOUNT_ENTRANCE. Without the prefix nobody came through
 * the proxy, whose path may lead back to "/".
 */
const char *mount_entrance(const struct mount *mount, const char *path);

#endif
