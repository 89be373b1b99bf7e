/* A proxy between the exporter and a real server, for what servers of other makes and slow networks do. */
#ifndef TEST_DB_MYSQL_PROXY_H
#define TEST_DB_MYSQL_PROXY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct mysql_proxy {
    const char *socket;  /* of the server */
    int login_error;     /* the login is answered with this error; 0: passed on */
    const char *refused; /* a statement that begins so is answered with error 1064; NULL: none */
    const char
        *ignored; /* a statement that begins so is answered with success and not passed on; NULL: none */
    const char *limited;  /* a statement that begins so gets " LIMIT 1" put behind it; NULL: none */
    const char *trickled; /* the answer to a statement that begins so comes 16 bytes each 10 ms; NULL: none */
    int port;             /* where it listens, on loopback */
    bool is_trickling;
    int listener;
    pthread_t thread;
};

/* Serves one connection. Aborts the test when that fails. */
void mysql_proxy_start(struct mysql_proxy *proxy);

/* Waits for the connection's end. */
void mysql_proxy_stop(struct mysql_proxy *proxy);

#endif
