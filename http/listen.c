#include "http/listen.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/text.h"

#define BLANKS       " \t"
#define ADDRESS_SIZE 64 /* of "[IPv6]:port", generously */
#define EXPECTED     "expected ADDRESS:PORT such as 0.0.0.0:10104 or [::1]:10104s (suffix s: TLS)"

/* Cuts "[::1]" or "127.0.0.1" down to the bare address and tells whether it is one. */
static bool host_valid(char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    size_t length = strlen(host);

    if (host[0] != '[')
        return inet_pton(AF_INET, host, address) == 1;
    if (host[length - 1] != ']')
        return false;
    host[length - 1] = '\0';
    return inet_pton(AF_INET6, host + 1, address) == 1;
}

static bool address_valid(const char *address, bool *tls)
{
    char host[ADDRESS_SIZE];
    char *port;
    char *last;
    int64_t number;

    snprintf(host, sizeof(host), "%s", address);
    port = strrchr(host, ':');
    if (port == NULL || port == host || port[1] == '\0')
        return false;
    *port++ = '\0';
    last = port + strlen(port) - 1;
    if (*last == 's') {
        *tls = true;
        *last = '\0';
    }
    return text_parse_int(port, 0, 65535, &number) && host_valid(host);
}

bool listen_canonical(const char *listen, struct strbuf *canonical, bool *tls, struct error *error)
{
    char address[ADDRESS_SIZE];
    size_t length;
    size_t trimmed;

    *tls = false;
    for (;;) {
        listen += strspn(listen, BLANKS);
        length = strcspn(listen, ",");
        trimmed = length;
        while (trimmed > 0 && strchr(BLANKS, listen[trimmed - 1]) != NULL)
            trimmed--;
        snprintf(address, sizeof(address), "%.*s", (int)(trimmed < ADDRESS_SIZE ? trimmed : ADDRESS_SIZE),
                 listen);
        if (trimmed >= ADDRESS_SIZE) {
            error_set(error, ERROR_CONFIG, "listen: '%s…' is too long for an address, " EXPECTED, address);
            return false;
        }
        if (!address_valid(address, tls)) {
            error_set(error, ERROR_CONFIG, "listen: '%s' is not an address, " EXPECTED, address);
            return false;
        }
        strbuf_append_text(canonical, address);
        if (listen[length] == '\0')
            return true;
        strbuf_append_char(canonical, ',');
        listen += length + 1;
    }
}
