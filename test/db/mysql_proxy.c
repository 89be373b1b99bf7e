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
#include <time.h>
#include <unistd.h>

#define HEADER_SIZE    4
#define COMMAND_SIZE   1
#define COM_QUERY      3
#define LOGIN_SEQUENCE 1
#define ER_PARSE_ERROR 1064
#define PACKET_MAX     8192
#define LIMIT          " LIMIT 1"

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

static bool send_whole(int to, const void *bytes, size_t length)
{
    return send(to, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* The answer to a packet of the client. */
static bool refuse(int client, const unsigned char *packet, int error)
{
    static const char refusal[] = "\x1e\0\0\0\xff\0\0#42000not known to this one";
    char answer[sizeof(refusal) - 1];

    memcpy(answer, refusal, sizeof(answer));
    answer[3] = (char)(packet[3] + 1);
    answer[HEADER_SIZE + 1] = (char)error;
    answer[HEADER_SIZE + 2] = (char)(error >> 8);
    return send_whole(client, answer, sizeof(answer));
}

/* One packet of the client: answered, changed or passed on. */
static bool pass_packet(struct mysql_proxy *proxy, int client, int server)
{
    static const char success[] = "\7\0\0\1\0\0\0\2\0\0\0";
    unsigned char packet[PACKET_MAX];
    size_t length;

    if (!read_whole(client, packet, HEADER_SIZE))
        return false;
    length = packet[0] | (size_t)packet[1] << 8 | (size_t)packet[2] << 16;
    REQUIRE(HEADER_SIZE + length + strlen(LIMIT) <= sizeof(packet));
    if (!read_whole(client, packet + HEADER_SIZE, length))
        return false;
    if (begins_with(packet, length, proxy->refused))
        return refuse(client, packet, ER_PARSE_ERROR);
    if (proxy->login_error != 0 && packet[3] == LOGIN_SEQUENCE)
        return refuse(client, packet, proxy->login_error);
    if (begins_with(packet, length, proxy->ignored))
        return send_whole(client, success, sizeof(success) - 1);
    proxy->is_trickling = begins_with(packet, length, proxy->trickled);
    if (begins_with(packet, length, proxy->limited)) {
        memcpy(packet + HEADER_SIZE + length, LIMIT, strlen(LIMIT));
        length += strlen(LIMIT);
        packet[0] = (unsigned char)length;
        packet[1] = (unsigned char)(length >> 8);
    }
    return send_whole(server, packet, HEADER_SIZE + length);
}

static bool pass_reply(const struct mysql_proxy *proxy, int client, int server)
{
    static const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    char reply[PACKET_MAX];
    ssize_t count = read(server, reply, proxy->is_trickling ? 16 : sizeof(reply));

    if (proxy->is_trickling)
        nanosleep(&pause, NULL);
    return count > 0 && send_whole(client, reply, (size_t)count);
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
            open = pass_reply(proxy, client, server);
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
