/*
 * A MariaDB server of the test's own: data, socket and log in a temporary folder, reached by its
 * socket or, when asked for, by a loopback port that the system chose. It dies with the test.
 */
#ifndef TEST_DB_PRIVATE_MARIADB_H
#define TEST_DB_PRIVATE_MARIADB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct private_mariadb {
    char folder[64];
    char socket[96];
    int port;                 /* 0: no network */
    const char *const *extra; /* further options of mariadbd, NULL-terminated; may be NULL */
    pid_t pid;                /* 0 while it does not run */
};

/* False when the programs are not installed: the caller skips its tests. */
bool private_mariadb_installed(void);

/* Makes the folder and an empty data directory. Aborts the test when that fails. */
void private_mariadb_create(struct private_mariadb *server);

/* Starts the server and waits until it answers. port: 0 none, else a free loopback port. */
void private_mariadb_start(struct private_mariadb *server);

/* Ends the server, at once as a crash would. */
void private_mariadb_kill(struct private_mariadb *server);

/* Ends the server and removes the folder. */
void private_mariadb_destroy(struct private_mariadb *server);

/* Runs statements, separated by semicolons, as root. Aborts the test when one fails. */
void private_mariadb_execute(const struct private_mariadb *server, const char *database, const char *sql);

/* The same with the statements of a file. */
void private_mariadb_execute_file(const struct private_mariadb *server, const char *database,
                                  const char *path);

/* Runs one query as root; the first column of its rows, one a line, cut at the buffer's size. */
void private_mariadb_query(const struct private_mariadb *server, const char *sql, char *buffer, size_t size);

/* A loopback port that was free a moment ago. */
int free_loopback_port(void);

#endif
