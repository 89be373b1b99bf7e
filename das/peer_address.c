#include "das/peer_address.h"

#include <stdbool.h>
#include <string.h>

#define PORT_DIGITS 5
#define IPV6_GROUPS 8
#define DIGITS      "0123456789"

static bool is_port(const char *text)
{
    size_t length = strspn(text, DIGITS);

    return length > 0 && length <= PORT_DIGITS && text[length] == '\0';
}

static size_t count_colons(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == ':';
    return count;
}

/* Whether the group behind the colon, the last one, cannot be part of the address before it. */
static bool is_behind_address(const char *peer, const char *colon)
{
    size_t colons = count_colons(peer);

    return colons == 1 || (colons == IPV6_GROUPS && strstr(peer, "::") == NULL) ||
           strlen(colon + 1) == PORT_DIGITS || memchr(peer, '.', (size_t)(colon - peer)) != NULL;
}

/* [address] and [address]:port; NULL when it is neither. */
static char *bracketed_address(char *peer)
{
    char *close = strchr(peer, ']');

    if (peer[0] != '[' || close == NULL || (close[1] != '\0' && (close[1] != ':' || !is_port(close + 2))))
        return NULL;
    *close = '\0';
    return peer + 1;
}

char *peer_address(char *peer)
{
    char *address = bracketed_address(peer);
    char *colon = strrchr(peer, ':');

    if (address != NULL)
        return address;
    if (colon != NULL && is_port(colon + 1) && is_behind_address(peer, colon))
        *colon = '\0';
    return peer;
}
