/* A private server with the tables of the documentation, and one read of them. */
#ifndef TEST_DB_MYSQL_FIXTURE_H
#define TEST_DB_MYSQL_FIXTURE_H

#include "db/source.h"
#include "test/db/private_mariadb.h"

#define USER     "exporter"
#define PASSWORD "canary-secret"
#define DATABASE "cmdb"

/* The server of the test program; its pid is 0 when none is installed. */
extern struct private_mariadb server;

/* Rows of one read and its outcome. */
struct reading {
    struct rows rows;
    unsigned whole;
    struct error error;
};

/* Reads as USER from DATABASE through the socket, without TLS. */
struct mysql_config socket_config(void);

/* Reads once; the caller releases the rows. */
void read_with(struct reading *reading, const struct mysql_config *config, unsigned scope);

/* The same in at most time_max ns. */
void read_within(struct reading *reading, const struct mysql_config *config, unsigned scope,
                 int64_t time_max);

/* The same with everything, which must arrive whole. */
void read_all(struct reading *reading);

/* Runs statements in DATABASE as root. */
void execute(const char *sql);

/* Before each test: the tables of the documentation, empty, and a user that may read them. */
int create_tables(void **state);

/* Skips the test when no server is installed. */
void require_server(void);

/* Around the group: a server without network. */
int start_server(void **state);
int stop_server(void **state);

#endif
