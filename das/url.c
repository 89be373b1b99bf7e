/* URLs, read by libcurl, so that what is checked is what is used. */
#include <curl/curl.h>
#include <string.h>

#include "das/endpoint.h"

struct url {
    CURLU *handle;
    bool no_memory; /* a part could not be read */
};

/* The part of a URL, to be freed by curl_free; NULL when there is none. */
static char *url_part(struct url *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url->handle, part, &text, flags);

    if (code == CURLUE_OUT_OF_MEMORY)
        url->no_memory = true;
    return code == CURLUE_OK ? text : NULL;
}

static bool has_part(struct url *url, CURLUPart part)
{
    char *text = url_part(url, part, 0);
    bool found = text != NULL;

    curl_free(text);
    return found;
}

static void take_parts(struct url *url, struct endpoint *endpoint)
{
    char *path = url_part(url, CURLUPART_PATH, 0);

    endpoint->scheme = url_part(url, CURLUPART_SCHEME, 0);
    endpoint->host = url_part(url, CURLUPART_HOST, 0);
    endpoint->port = url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
    endpoint->has_user = has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD);
    endpoint->has_target = path == NULL || strcmp(path, "/") != 0 || has_part(url, CURLUPART_QUERY) ||
                           has_part(url, CURLUPART_FRAGMENT);
    curl_free(path);
}

bool endpoint_parse(const char *text, struct endpoint *endpoint, struct error *error)
{
    struct url url = {.handle = curl_url()};
    CURLUcode code = CURLUE_OUT_OF_MEMORY;

    *endpoint = (struct endpoint){0};
    if (url.handle != NULL)
        code = curl_url_set(url.handle, CURLUPART_URL, text, 0);
    if (code == CURLUE_OK)
        take_parts(&url, endpoint);
    curl_url_cleanup(url.handle);
    /* A login that is there is bad in libcurl's eyes for want of memory alone. */
    if (code == CURLUE_OUT_OF_MEMORY || code == CURLUE_BAD_LOGIN || url.no_memory) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading it");
        return false;
    }
    if (endpoint->scheme != NULL && endpoint->host != NULL)
        return true;
    error_set(error, ERROR_CONFIG, "not a URL with a protocol and a host");
    return false;
}

void endpoint_release(struct endpoint *endpoint)
{
    curl_free(endpoint->scheme);
    curl_free(endpoint->host);
    curl_free(endpoint->port);
}
