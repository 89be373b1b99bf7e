#include "http/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/thread.h"

#define IPV4_CLIENT (UINT64_C(0xffff) << 32) /* no IPv6 /64 that is in use looks like it */

#define LOOPBACK_CLIENT (IPV4_CLIENT | UINT64_C(127) << 24)

/* One part in so many is for loopback, for the machine's own health checks; another for clients without a connection. */
#define LOOPBACK_SHARE 32
#define NEWCOMER_SHARE 16

struct client_count {
    uint64_t client;
    size_t connections; /* not 0 */
};

struct connections {
    pthread_mutex_t mutex; /* guards all below */
    size_t total;
    size_t per_client;
    size_t count;        /* of connections */
    size_t loopback;     /* of these, those of loopback clients */
    size_t client_count; /* of clients */
    struct client_count clients[];
};

struct connections *connections_new(size_t total, size_t per_client)
{
    struct connections *connections =
        calloc(1, sizeof(*connections) + total * sizeof(connections->clients[0]));

    if (connections == NULL)
        return NULL;
    pthread_mutex_init(&connections->mutex, NULL);
    connections->total = total;
    connections->per_client = per_client;
    return connections;
}

void connections_free(struct connections *connections)
{
    if (connections == NULL)
        return;
    pthread_mutex_destroy(&connections->mutex);
    free(connections);
}

/* Its index, or client_count. */
static size_t find(const struct connections *connections, uint64_t client)
{
    size_t i = 0;

    while (i < connections->client_count && connections->clients[i].client != client)
        i++;
    return i;
}

static bool is_loopback(uint64_t client)
{
    return (client & ~UINT64_C(0xffffff)) == LOOPBACK_CLIENT;
}

/* Who has none leaves the places kept for loopback, the others also those for such clients. */
static bool may_have_more(const struct connections *connections, uint64_t client, size_t held)
{
    size_t free_places = connections->total - connections->count;
    size_t kept = connections->total / LOOPBACK_SHARE;

    if (is_loopback(client) && connections->loopback < kept)
        return free_places > 0;
    kept -= connections->loopback < kept ? connections->loopback : kept;
    if (held == 0)
        return free_places > kept;
    return held < connections->per_client && held < free_places &&
           free_places > kept + connections->total / NEWCOMER_SHARE;
}

bool connections_add(struct connections *connections, uint64_t client)
{
    bool added = false;
    size_t i;

    mutex_lock(&connections->mutex);
    i = find(connections, client);
    if (may_have_more(connections, client,
                      i < connections->client_count ? connections->clients[i].connections : 0)) {
        if (i == connections->client_count)
            connections->clients[connections->client_count++] = (struct client_count){.client = client};
        connections->clients[i].connections++;
        connections->count++;
        connections->loopback += is_loopback(client);
        added = true;
    }
    mutex_unlock(&connections->mutex);
    return added;
}

void connections_remove(struct connections *connections, uint64_t client)
{
    size_t i;

    mutex_lock(&connections->mutex);
    i = find(connections, client);
    if (i < connections->client_count) {
        connections->count--;
        connections->loopback -= is_loopback(client);
        if (--connections->clients[i].connections == 0)
            connections->clients[i] = connections->clients[--connections->client_count];
    }
    mutex_unlock(&connections->mutex);
}

static uint64_t client_of_ipv4(in_addr_t address)
{
    return IPV4_CLIENT | ntohl(address);
}

static uint64_t client_of_ipv6(const struct in6_addr *address)
{
    uint64_t client = 0;
    in_addr_t mapped;

    if (IN6_IS_ADDR_LOOPBACK(address))
        return client_of_ipv4(htonl(INADDR_LOOPBACK));
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        memcpy(&mapped, address->s6_addr + 12, sizeof(mapped));
        return client_of_ipv4(mapped);
    }
    for (size_t i = 0; i < 8; i++)
        client = client << 8 | address->s6_addr[i];
    return client;
}

uint64_t client_of_address(const struct sockaddr *address)
{
    struct sockaddr_in6 ipv6;
    struct sockaddr_in ipv4;

    if (address->sa_family == AF_INET) {
        memcpy(&ipv4, address, sizeof(ipv4));
        return client_of_ipv4(ipv4.sin_addr.s_addr);
    }
    if (address->sa_family != AF_INET6)
        return 0;
    memcpy(&ipv6, address, sizeof(ipv6));
    return client_of_ipv6(&ipv6.sin6_addr);
}

uint64_t client_of_text(const char *text)
{
    char address[INET6_ADDRSTRLEN] = "";
    struct in6_addr ipv6;
    struct in_addr ipv4;
    size_t length = strcspn(text, "%");

    if (length < sizeof(address))
        memcpy(address, text, length);
    if (inet_pton(AF_INET, address, &ipv4) == 1)
        return client_of_ipv4(ipv4.s_addr);
    return inet_pton(AF_INET6, address, &ipv6) == 1 ? client_of_ipv6(&ipv6) : 0;
}

void client_format(uint64_t client, char text[CLIENT_TEXT_SIZE])
{
    struct in_addr ipv4 = {.s_addr = htonl((uint32_t)client)};
    char address[INET6_ADDRSTRLEN] = "";
    struct in6_addr ipv6 = {0};

    if ((client & ~UINT64_C(0xffffffff)) == IPV4_CLIENT) {
        inet_ntop(AF_INET, &ipv4, text, CLIENT_TEXT_SIZE);
        return;
    }
    for (size_t i = 0; i < 8; i++)
        ipv6.s6_addr[i] = (uint8_t)(client >> (56 - 8 * i));
    inet_ntop(AF_INET6, &ipv6, address, sizeof(address));
    snprintf(text, CLIENT_TEXT_SIZE, "%s/64", address);
}
