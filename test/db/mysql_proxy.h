/* A proxy between the exporter and a real server, for the statements that servers of other makes refuse. */
#ifndef TEST_DB_MYSQL_PROXY_H
#define TEST_DB_MYSQL_PROXY_H

#include <pthread.h>
#include <stddef.h>

struct mysql_proxy {
    const char *socket;  /* of the server */
    const char *refused; /* a statement that begins so is answered with error 1064; NULL: none */
    const char *limited; /* a statement that begins so gets " LIMIT 1" put behind it; NULL: none */
    int port;            /* where it listens, on loopback */
    int listener;
    pthread_t thread;
};

/* Serves one connection. Aborts the test when that fails. */
void mysql_proxy_start(struct mysql_proxy *proxy);

/* Waits for the connection's end. */
void mysql_proxy_stop(struct mysql_proxy *proxy);

#endif
