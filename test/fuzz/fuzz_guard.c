/*
 * Host and Origin of a request that changes something, one a line. Whatever is let through has a Host that no
 * foreign name server decides about, and an Origin that names it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/connections.h"
#include "http/guard.h"
#include "http/pages.h"
#include "test/fuzz/fuzz_input.h"

/* A name of ours with an optional port, judged by its letters alone. */
static void check_host(const char *host)
{
    static const char *const names[] = {"localhost", "127.", "0.0.0.0", "["};
    const char *port = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    bool known = false;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        known |= strncasecmp(host, names[i], strlen(names[i])) == 0;
    assert(known);
    if (port != NULL)
        assert(strspn(port, "]:0123456789") == strlen(port));
}

static void check_origin(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");

    assert(authority != NULL && strncasecmp(origin, "http", 4) == 0);
    assert(strcasecmp(authority + 3, host) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page_request request = {.method = "POST", .path = "/refresh", .from_loopback = true};
    char *host = input_text(data, size);
    char *origin = strchr(host, '\n');

    if (origin != NULL) {
        *origin++ = '\0';
        request.origin = origin;
    }
    request.host = host;
    if (guard_change_refused(&request) == NULL) {
        check_host(host);
        if (origin != NULL)
            check_origin(origin, host);
    }
    guard_is_loopback(host);
    client_of_text(host);
    free(host);
    return 0;
}
