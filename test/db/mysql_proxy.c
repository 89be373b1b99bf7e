#include "test/db/mysql_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER_SIZE  4
#define COMMAND_SIZE 1
#define COM_QUERY    3
#define PACKET_MAX   8192
#define LIMIT        " LIMIT 1"

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #condition);                           \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static int connect_server(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    REQUIRE(server >= 0 && connect(server, (struct sockaddr *)&address, sizeof(address)) == 0);
    return server;
}

static bool read_whole(int from, unsigned char *buffer, size_t length)
{
    while (length > 0) {
        ssize_t count = read(from, buffer, length);

        if (count <= 0)
            return false;
        buffer += count;
        length -= (size_t)count;
    }
    return true;
}

static bool begins_with(const unsigned char *packet, size_t length, const char *statement)
{
    return statement != NULL && length >= COMMAND_SIZE + strlen(statement) &&
           packet[HEADER_SIZE] == COM_QUERY &&
           memcmp(packet + HEADER_SIZE + COMMAND_SIZE, statement, strlen(statement)) == 0;
}

/* One packet of the client: answered, changed or passed on. */
static bool pass_packet(const struct mysql_proxy *proxy, int client, int server)
{
    static const char refusal[] = "\x1e\0\0\1\xff\x28\x04#42000not known to this one";
    unsigned char packet[PACKET_MAX];
    size_t length;

    if (!read_whole(client, packet, HEADER_SIZE))
        return false;
    length = packet[0] | (size_t)packet[1] << 8 | (size_t)packet[2] << 16;
    REQUIRE(HEADER_SIZE + length + strlen(LIMIT) <= sizeof(packet));
    if (!read_whole(client, packet + HEADER_SIZE, length))
        return false;
    if (begins_with(packet, length, proxy->refused))
        return write(client, refusal, sizeof(refusal) - 1) > 0;
    if (begins_with(packet, length, proxy->limited)) {
        memcpy(packet + HEADER_SIZE + length, LIMIT, strlen(LIMIT));
        length += strlen(LIMIT);
        packet[0] = (unsigned char)length;
        packet[1] = (unsigned char)(length >> 8);
    }
    return write(server, packet, HEADER_SIZE + length) > 0;
}

static bool pass_reply(int client, int server)
{
    char reply[PACKET_MAX];
    ssize_t count = read(server, reply, sizeof(reply));

    return count > 0 && write(client, reply, (size_t)count) == count;
}

static void *serve(void *argument)
{
    struct mysql_proxy *proxy = argument;
    int client = accept(proxy->listener, NULL, NULL);
    int server = connect_server(proxy->socket);
    struct pollfd ends[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool open = client >= 0;

    while (open && poll(ends, 2, -1) > 0) {
        if (ends[1].revents != 0)
            open = pass_reply(client, server);
        else if (ends[0].revents != 0)
            open = pass_packet(proxy, client, server);
    }
    close(client);
    close(server);
    return NULL;
}

void mysql_proxy_start(struct mysql_proxy *proxy)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    REQUIRE(listen(proxy->listener, 1) == 0);
    REQUIRE(getsockname(proxy->listener, (struct sockaddr *)&address, &length) == 0);
    proxy->port = ntohs(address.sin_port);
    REQUIRE(pthread_create(&proxy->thread, NULL, serve, proxy) == 0);
}

void mysql_proxy_stop(struct mysql_proxy *proxy)
{
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
}
