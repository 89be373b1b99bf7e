#include "http/mount.h"

#include <string.h>
#include <strings.h>

/* What needs no encoding, in a header, in JSON and in HTML. */
#define PATH_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

/* The path that begins at `text`, without the slashes at its end. False when it has what a path here may not. */
static bool take_path(const char *text, char path[MOUNT_PATH_SIZE])
{
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '/')
        length--;
    if (length + 2 > MOUNT_PATH_SIZE || strspn(text, PATH_CHARACTERS) != strlen(text))
        return false;
    memcpy(path, text, length);
    memcpy(path + length, "/", 2); /* so that every part ends in one */
    if (strstr(path, "//") != NULL || strstr(path, "/./") != NULL || strstr(path, "/../") != NULL)
        return false;
    path[length] = '\0';
    return true;
}

/* What follows the host of a URL, or a path as it is; NULL when it is neither. */
static const char *path_of_url(const char *url)
{
    const char *host = strstr(url, "://");
    size_t length;

    if (url[0] == '/')
        return url;
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return NULL;
    host += 3;
    length = strcspn(host, "/");
    return length > 0 && strcspn(host, "@?#\\\"' \t\r\n") >= length ? host + length : NULL;
}

bool mount_init(struct mount *mount, const char *external_url, const char *route_prefix, struct error *error)
{
    const char *path = external_url[0] != '\0' ? path_of_url(external_url) : "";

    *mount = (struct mount){.route_prefix = ""};
    if (path == NULL || !take_path(path, mount->external_path)) {
        error_set(
            error, ERROR_CONFIG,
            "[web] external_url is not understood, expected a URL such as https://proxy.example/sessions/ or "
            "its path alone, /sessions/, of letters, digits and - . _ ~");
        return false;
    }
    if (route_prefix[0] == '\0') {
        memcpy(mount->route_prefix, mount->external_path, sizeof(mount->route_prefix));
        return true;
    }
    if (route_prefix[0] != '/' || !take_path(route_prefix, mount->route_prefix)) {
        error_set(
            error, ERROR_CONFIG,
            "[web] route_prefix is not understood, expected a path such as /sessions, of letters, digits and "
            "- . _ ~, or / for none");
        return false;
    }
    if (external_url[0] == '\0')
        memcpy(mount->external_path, mount->route_prefix, sizeof(mount->external_path));
    return true;
}

const char *mount_below(const struct mount *mount, const char *path)
{
    size_t length = strlen(mount->route_prefix);

    if (length == 0 || strcmp(path, "*") == 0)
        return path;
    if (strcmp(path, "/") == 0)
        return MOUNT_ENTRANCE;
    if (strncmp(path, mount->route_prefix, length) != 0)
        return MOUNT_OUTSIDE;
    if (path[length] == '\0')
        return MOUNT_ENTRANCE;
    return path[length] == '/' ? path + length : MOUNT_OUTSIDE;
}

const char *mount_entrance(const struct mount *mount, const char *path)
{
    return strcmp(path, "/") == 0 ? mount->route_prefix : mount->external_path;
}
