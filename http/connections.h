/*
 * How many connections each client has, so that one of them cannot take every thread. A client is
 * an IPv4 address or an IPv6 /64. Any thread.
 */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct connections;

/*
 * At most total at once, at most per_client of one client, and never more of one than are free: k greedy
 * clients leave total / (k + 1). Some places are for clients without any, and some more for loopback alone. NULL
 * when memory ran out.
 */
struct connections *connections_new(size_t total, size_t per_client);
void connections_free(struct connections *connections); /* NULL is allowed */

/* Counts one more. False, and nothing is counted, when a limit is reached. */
bool connections_add(struct connections *connections, uint64_t client);

void connections_remove(struct connections *connections, uint64_t client);

/* Who is at that address. An IPv4 address inside IPv6 is that IPv4 address, and ::1 is 127.0.0.1. */
uint64_t client_of_address(const struct sockaddr *address);

/* The same of a numeric address ("192.0.2.1", "fe80::1%eth0"); 0 when it is none. */
uint64_t client_of_text(const char *text);

#define CLIENT_TEXT_SIZE 64

/* For the log: "192.0.2.1", "2001:db8::/64". */
void client_format(uint64_t client, char text[CLIENT_TEXT_SIZE]);

#endif
