/* A small HTTP client on plain sockets that sees every byte. Failures end the test. */
#ifndef TEST_HTTP_CLIENT_H
#define TEST_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strbuf.h"

struct http_client {
    int fd;
    struct strbuf received; /* not yet taken */
};

struct http_answer {
    int status;
    struct strbuf head; /* status line and fields, with the empty line */
    struct strbuf body;
};

/* Connects to 127.0.0.1; receive_buffer 0: the system's size. */
void client_open(struct http_client *client, int port, int receive_buffer);
/* The same, from another of this machine's addresses. */
void client_open_from(struct http_client *client, const char *address, int port, int receive_buffer);
void client_close(struct http_client *client);

void client_send(struct http_client *client, const char *text);

/* Reads one response; has_body false: one to HEAD. False when the peer closes before its end. */
bool client_receive(struct http_client *client, bool has_body, struct http_answer *answer);

/* True when the peer has closed and nothing is left to read. Waits for at most 10 s. */
bool client_at_end(struct http_client *client);

void answer_release(struct http_answer *answer);

/* The value of a field into value; false when there is none. */
bool answer_field(const struct http_answer *answer, const char *name, char *value, size_t size);

/* One request on a connection of its own; `fields` are further header lines with CRLF. */
void fetch(int port, const char *method, const char *target, const char *fields, struct http_answer *answer);

#endif
