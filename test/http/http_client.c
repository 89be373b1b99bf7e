#include "test/http/http_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

void client_open(struct http_client *client, int port, int receive_buffer)
{
    client_open_from(client, "127.0.0.1", port, receive_buffer);
}

void client_open_from(struct http_client *client, const char *source, int port, int receive_buffer)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(client->fd >= 0);
    REQUIRE(inet_pton(AF_INET, source, &from.sin_addr) == 1);
    REQUIRE(setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0);
    REQUIRE(bind(client->fd, (struct sockaddr *)&from, sizeof(from)) == 0);
    if (receive_buffer > 0)
        REQUIRE(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)) == 0);
    REQUIRE(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    strbuf_init(&client->received, 0);
}

void client_close(struct http_client *client)
{
    close(client->fd);
    strbuf_release(&client->received);
}

void client_send(struct http_client *client, const char *text)
{
    size_t length = strlen(text);
    ssize_t sent;

    while (length > 0) {
        sent = send(client->fd, text, length, MSG_NOSIGNAL);
        REQUIRE(sent > 0);
        text += sent;
        length -= (size_t)sent;
    }
}

/* False at the end of the stream. */
static bool receive_more(struct http_client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    static _Thread_local char bytes[65536];
    ssize_t got;

    REQUIRE(poll(&poll_fd, 1, PATIENCE_MS) == 1);
    got = recv(client->fd, bytes, sizeof(bytes), 0);
    if (got <= 0) {
        REQUIRE(got == 0 || errno == ECONNRESET);
        return false;
    }
    strbuf_append(&client->received, bytes, (size_t)got);
    return true;
}

/* Moves the first `length` received bytes to *out. */
static void take(struct http_client *client, size_t length, struct strbuf *out)
{
    size_t left = client->received.length - length;

    strbuf_append(out, client->received.data, length);
    memmove(client->received.data, client->received.data + length, left);
    strbuf_truncate(&client->received, left);
}

static size_t head_length(const struct strbuf *received)
{
    const char *end = received->length == 0 ? NULL : memmem(received->data, received->length, "\r\n\r\n", 4);

    return end == NULL ? 0 : (size_t)(end - received->data) + 4;
}

bool client_receive(struct http_client *client, bool has_body, struct http_answer *answer)
{
    char length_text[32];
    size_t length;

    *answer = (struct http_answer){0};
    while ((length = head_length(&client->received)) == 0) {
        if (!receive_more(client))
            return false;
    }
    take(client, length, &answer->head);
    REQUIRE(sscanf(answer->head.data, "HTTP/1.1 %d ", &answer->status) == 1);
    REQUIRE(answer_field(answer, "Content-Length", length_text, sizeof(length_text)));
    length = has_body ? strtoul(length_text, NULL, 10) : 0;
    while (client->received.length < length) {
        if (!receive_more(client))
            return false;
    }
    if (length > 0)
        take(client, length, &answer->body);
    return true;
}

bool client_at_end(struct http_client *client)
{
    return client->received.length == 0 && !receive_more(client);
}

void answer_release(struct http_answer *answer)
{
    strbuf_release(&answer->head);
    strbuf_release(&answer->body);
}

bool answer_field(const struct http_answer *answer, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    const char *line = strbuf_text(&answer->head);

    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0) {
            snprintf(value, size, "%.*s", (int)strcspn(line + length + 2, "\r"), line + length + 2);
            return true;
        }
    }
    return false;
}

void fetch(int port, const char *method, const char *target, const char *fields, struct http_answer *answer)
{
    struct http_client client;
    struct strbuf request;

    strbuf_init(&request, 0);
    strbuf_append_format(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", method, target, port,
                         fields);
    client_open(&client, port, 0);
    client_send(&client, strbuf_text(&request));
    REQUIRE(client_receive(&client, strcmp(method, "HEAD") != 0, answer));
    client_close(&client);
    strbuf_release(&request);
}
