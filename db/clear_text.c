#include "db/clear_text.h"

#include <arpa/inet.h>
#include <netdb.h>

/* The first `bits` bits of an IPv4 address. */
struct network {
    uint32_t start;
    unsigned bits;
};

static const struct network private_networks[] = {
    {0x7f000000, 8},  /* 127.0.0.0, loopback */
    {0x0a000000, 8},  /* 10.0.0.0 */
    {0xac100000, 12}, /* 172.16.0.0 */
    {0xc0a80000, 16}, /* 192.168.0.0 */
    {0xa9fe0000, 16}, /* 169.254.0.0, link-local */
    {0x64400000, 10}, /* 100.64.0.0, shared: the cloud's own services */
};

static bool ipv4_is_public(uint32_t address)
{
    for (size_t i = 0; i < sizeof(private_networks) / sizeof(private_networks[0]); i++) {
        if ((address ^ private_networks[i].start) >> (32 - private_networks[i].bits) == 0)
            return false;
    }
    return true;
}

static bool ipv6_is_public(const struct in6_addr *address)
{
    bool is_unique_local = (address->s6_addr[0] & 0xfe) == 0xfc;
    uint32_t tail;

    if (IN6_IS_ADDR_V4MAPPED(address)) {
        memcpy(&tail, &address->s6_addr[12], sizeof(tail));
        return ipv4_is_public(ntohl(tail));
    }
    return !IN6_IS_ADDR_LOOPBACK(address) && !IN6_IS_ADDR_LINKLOCAL(address) && !is_unique_local;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return ipv6_is_public(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return address->sa_family == AF_INET &&
           ipv4_is_public(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
}

bool clear_text_to_public(const struct config *config, char address[INET6_ADDRSTRLEN])
{
    const struct mysql_config *mysql = &config->mysql;
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    bool is_public = false;

    if (config->inventory.source != INVENTORY_SOURCE_MYSQL || mysql->tls != MYSQL_TLS_OFF ||
        mysql->socket[0] != '\0' || getaddrinfo(mysql->host, NULL, &wanted, &found) != 0)
        return false;
    for (const struct addrinfo *one = found; one != NULL && !is_public; one = one->ai_next) {
        is_public =
            address_is_public(one->ai_addr) && getnameinfo(one->ai_addr, one->ai_addrlen, address,
                                                           INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0;
    }
    freeaddrinfo(found);
    return is_public;
}
