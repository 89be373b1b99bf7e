#include "http/listen.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/text.h"

#define BLANKS       " \t"
#define ADDRESS_SIZE 64 /* of "[IPv6]:port", generously */
#define EXPECTED                                                                                             \
    "expected :PORT (every address) or ADDRESS:PORT, such as :10104 or [::1]:10104s (suffix s: TLS)"

/* One element of the list, cut into its parts. */
struct listener {
    char text[ADDRESS_SIZE]; /* "HOST", then what is after the colon */
    const char *port;
    int64_t number;
    bool tls;
    bool ipv4;
    bool every; /* address, of both families */
};

/* "[::1]" or "127.0.0.1"; "" and "[::]" are every address. */
static bool host_read(const char *host, struct listener *listener)
{
    unsigned char binary[sizeof(struct in6_addr)];
    char address[ADDRESS_SIZE];
    size_t length = strlen(host);

    if (length == 0) {
        listener->every = true;
        return true;
    }
    if (host[0] != '[') {
        listener->ipv4 = true;
        return inet_pton(AF_INET, host, binary) == 1;
    }
    if (host[length - 1] != ']')
        return false;
    snprintf(address, sizeof(address), "%.*s", (int)length - 2, host + 1);
    if (inet_pton(AF_INET6, address, binary) != 1)
        return false;
    listener->every = IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)(const void *)binary);
    return true;
}

static bool listener_read(const char *text, size_t length, struct listener *listener)
{
    char *port;
    char *last;

    *listener = (struct listener){.number = 0};
    if (length >= sizeof(listener->text))
        return false;
    memcpy(listener->text, text, length);
    port = strrchr(listener->text, ':');
    if (port == NULL || port[1] == '\0')
        return false;
    *port++ = '\0';
    last = port + strlen(port) - 1;
    if (*last == 's') {
        listener->tls = true;
        *last = '\0';
    }
    listener->port = port;
    return text_parse_int(port, 0, 65535, &listener->number) && host_read(listener->text, listener);
}

/* Takes the next element off the list. False after the last one. */
static bool element_next(const char **list, const char **text, size_t *length)
{
    if (*list == NULL)
        return false;
    *text = *list + strspn(*list, BLANKS);
    *length = strcspn(*text, ",");
    *list = (*text)[*length] == ',' ? *text + *length + 1 : NULL;
    while (*length > 0 && strchr(BLANKS, (*text)[*length - 1]) != NULL)
        (*length)--;
    return true;
}

/* Whether the list has an IPv4 address with that port, which every address would collide with. */
static bool ipv4_has_port(const char *list, int64_t port)
{
    struct listener listener;
    const char *text;
    size_t length;

    while (port != 0 && element_next(&list, &text, &length)) {
        if (listener_read(text, length, &listener) && listener.ipv4 && listener.number == port)
            return true;
    }
    return false;
}

/* CivetWeb takes a '+' before a port alone for both families. */
static void listener_append(const struct listener *listener, bool ipv6, bool ipv4_taken,
                            struct strbuf *canonical)
{
    const char *host = listener->text;

    if (!listener->every)
        strbuf_append_format(canonical, "%s:", host);
    else if (!ipv6)
        strbuf_append_text(canonical, "0.0.0.0:");
    else
        strbuf_append_text(canonical, ipv4_taken ? "[::]:" : "+");
    strbuf_append_format(canonical, "%s%s", listener->port, listener->tls ? "s" : "");
}

bool listen_canonical(const char *listen, bool ipv6, struct strbuf *canonical, bool *tls, struct error *error)
{
    const char *list = listen;
    struct listener listener;
    const char *text;
    size_t length;

    *tls = false;
    while (element_next(&list, &text, &length)) {
        if (!listener_read(text, length, &listener)) {
            error_set(error, ERROR_CONFIG, "listen: '%.*s' is not an address, " EXPECTED,
                      (int)(length < ADDRESS_SIZE ? length : ADDRESS_SIZE), text);
            return false;
        }
        *tls = *tls || listener.tls;
        if (text != listen + strspn(listen, BLANKS))
            strbuf_append_char(canonical, ',');
        listener_append(&listener, ipv6, ipv4_has_port(listen, listener.number), canonical);
    }
    return true;
}
