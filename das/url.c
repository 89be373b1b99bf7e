/* URLs, read by libcurl, so that what is checked is what is used. */
#include <curl/curl.h>
#include <string.h>

#include "das/endpoint.h"

/* The part of a URL, to be freed by curl_free; NULL when there is none. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = url_part(url, part, 0);
    bool found = text != NULL;

    curl_free(text);
    return found;
}

bool endpoint_parse(const char *url, struct endpoint *endpoint)
{
    CURLU *handle = curl_url();
    char *path;

    *endpoint = (struct endpoint){0};
    if (handle != NULL && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK) {
        endpoint->scheme = url_part(handle, CURLUPART_SCHEME, 0);
        endpoint->host = url_part(handle, CURLUPART_HOST, 0);
        endpoint->port = url_part(handle, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
        endpoint->has_user = has_part(handle, CURLUPART_USER) || has_part(handle, CURLUPART_PASSWORD);
        path = url_part(handle, CURLUPART_PATH, 0);
        endpoint->has_target = path == NULL || strcmp(path, "/") != 0 || has_part(handle, CURLUPART_QUERY) ||
                               has_part(handle, CURLUPART_FRAGMENT);
        curl_free(path);
    }
    curl_url_cleanup(handle);
    return endpoint->scheme != NULL && endpoint->host != NULL;
}

void endpoint_release(struct endpoint *endpoint)
{
    curl_free(endpoint->scheme);
    curl_free(endpoint->host);
    curl_free(endpoint->port);
}
