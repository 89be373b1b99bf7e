#include "test/db/mysql_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

struct private_mariadb server;

struct mysql_config socket_config(void)
{
    return (struct mysql_config){
        .host = "",
        .socket = server.socket,
        .user = USER,
        .password = PASSWORD,
        .password_file = "",
        .database = DATABASE,
        .connect_timeout = 5 * NS_PER_SECOND,
        .tls = MYSQL_TLS_OFF,
        .tls_ca_file = "",
        .tls_cert_file = "",
        .tls_key_file = "",
        .server_public_key_file = "",
    };
}

void read_with(struct reading *reading, const struct mysql_config *config, unsigned scope)
{
    read_within(reading, config, scope, MYSQL_LOAD_TIME_MAX);
}

void read_within(struct reading *reading, const struct mysql_config *config, unsigned scope, int64_t time_max)
{
    memset(reading, 0, sizeof(*reading));
    rows_init(&reading->rows);
    reading->whole = mysql_read_rows(config, scope, time_max, &reading->rows, &reading->error);
}

void read_all(struct reading *reading)
{
    struct mysql_config config = socket_config();

    read_with(reading, &config, LOAD_ALL);
    if (reading->whole != LOAD_ALL)
        print_error("%s\n", reading->error.message);
    assert_int_equal(reading->whole, LOAD_ALL);
}

void execute(const char *sql)
{
    private_mariadb_execute(&server, DATABASE, sql);
}

int create_tables(void **state)
{
    (void)state;
    if (server.pid == 0)
        return 0;
    private_mariadb_execute(&server, NULL,
                            "DROP DATABASE IF EXISTS " DATABASE ";"
                            "CREATE DATABASE " DATABASE ";"
                            "CREATE OR REPLACE USER " USER " IDENTIFIED BY '" PASSWORD "';"
                            "GRANT SELECT ON " DATABASE ".* TO " USER);
    private_mariadb_execute_file(&server, DATABASE, FIXTURES "/schema.sql");
    return 0;
}

void require_server(void)
{
    if (server.pid != 0)
        return;
    print_message("skipped: mariadbd and mariadb-install-db are not installed\n");
    skip();
}

int start_server(void **state)
{
    struct error error;

    (void)state;
    if (!source_global_init(&error))
        return -1;
    if (!private_mariadb_installed())
        return 0;
    private_mariadb_create(&server);
    private_mariadb_start(&server);
    return 0;
}

int stop_server(void **state)
{
    (void)state;
    private_mariadb_destroy(&server);
    source_global_release();
    return 0;
}
