/* The loader over a database that is lost, incomplete or silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <mysql.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/db/loader_fixture.h"

static struct config *mysql_config(const struct private_mariadb *server)
{
    struct config *config = file_config("");

    config->inventory.source = INVENTORY_SOURCE_MYSQL;
    config->mysql.socket = config_text(config, server->socket);
    return config;
}

static int silent_listener(int64_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static void test_stop_gives_up_on_a_blocking_call_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct config *config = file_config("");
    int listener = silent_listener(&config->mysql.port);
    int connection;
    int64_t start_time;

    config->inventory.source = INVENTORY_SOURCE_MYSQL;
    config->mysql.host = "127.0.0.1";
    config->mysql.connect_timeout = 5 * NS_PER_SECOND;
    start_loader(fixture, config);
    connection = accept(listener, NULL, NULL);
    assert_true(connection >= 0);
    start_time = clock_now();
    assert_false(loader_stop(fixture->loader, clock_now() + 50 * NS_PER_MS));
    assert_in_range(clock_now() - start_time, 50 * NS_PER_MS, 4 * NS_PER_SECOND);
    close(connection);
    close(listener);
    assert_true(loader_stop(fixture->loader, clock_now() + PATIENCE));
}

/* A server with the tables of the documentation and one instance; skips when it is not installed. */
static void start_server(struct private_mariadb *server)
{
    if (!private_mariadb_installed()) {
        print_message("skipped: mariadbd and mariadb-install-db are not installed\n");
        skip();
    }
    private_mariadb_create(server);
    private_mariadb_start(server);
    private_mariadb_execute(server, NULL, "CREATE DATABASE cmdb");
    private_mariadb_execute_file(server, "cmdb", FIXTURES "/schema.sql");
    private_mariadb_execute(server, "cmdb",
                            "INSERT INTO instance_list (ins_id, ins_type, aliyun_uid) VALUES"
                            " ('rm-test1', 'RDS', '1000000000000001')");
}

static void test_lost_database_keeps_the_inventory_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct seen *seen = &fixture->seen;
    struct private_mariadb *server = &fixture->server;
    struct loader_status status;

    start_server(server);
    start_loader(fixture, mysql_config(server));
    await(seen, &seen->limit_loads, 1);
    private_mariadb_kill(server);
    loader_request(fixture->loader, LOAD_INSTANCES);
    await(seen, &seen->failures, 1);
    assert_string_equal(seen->error.code, "2002");
    assert_int_equal(count_of(seen, &seen->inventories), 1);
    assert_int_equal(targets_of(seen), 1);
    status = await_status(fixture, 1, 0);
    assert_true(status.instances_success_unix_ms > 0);
    private_mariadb_start(server);
    await(seen, &seen->inventories, 2);
    assert_int_equal(targets_of(seen), 1);
}

/* A session of root that holds a lock as an ALTER or a dump does. */
static MYSQL *lock_table(const struct private_mariadb *server)
{
    MYSQL *session = mysql_init(NULL);

    assert_non_null(mysql_real_connect(session, NULL, "root", NULL, "cmdb", 0, server->socket, 0));
    assert_int_equal(mysql_query(session, "LOCK TABLES instance_list WRITE"), 0);
    return session;
}

static void test_locked_table_is_given_up_and_the_inventory_stays(void **state)
{
    struct fixture *fixture = *state;
    struct seen *seen = &fixture->seen;
    MYSQL *lock;

    start_server(&fixture->server);
    start_loader(fixture, mysql_config(&fixture->server));
    await(seen, &seen->limit_loads, 1);
    lock = lock_table(&fixture->server);
    loader_request(fixture->loader, LOAD_INSTANCES);
    await(seen, &seen->failures, 1);
    assert_string_equal(seen->error.code, "1205");
    assert_non_null(strstr(seen->error.message, "instance_list: "));
    assert_non_null(strstr(seen->error.message, "; somebody holds a lock on the table"));
    assert_int_equal(count_of(seen, &seen->inventories), 1);
    assert_int_equal(targets_of(seen), 1);
    mysql_close(lock);
    await(seen, &seen->inventories, 2);
}

static void test_missing_users_table_fails_that_scope_alone(void **state)
{
    struct fixture *fixture = *state;
    struct seen *seen = &fixture->seen;
    struct private_mariadb *server = &fixture->server;
    struct config *next;
    struct loader_status status;

    start_server(server);
    private_mariadb_execute(server, "cmdb", "DROP TABLE instance_users");
    start_loader(fixture, mysql_config(server));
    await(seen, &seen->failures, 1);
    assert_int_equal(seen->failed_scope, LOAD_USERS);
    assert_int_equal(count_of(seen, &seen->inventories), 1);
    status = await_status(fixture, 0, 1);
    assert_int_equal(status.instances_failures, 0);
    assert_string_equal(status.last_error.code, "1146");

    next = mysql_config(server);
    next->metrics[METRIC_MAX_USER_CONNECTIONS].enabled = false;
    loader_configure(fixture->loader, next);
    config_put(next);
    loader_status(fixture->loader, &status);
    assert_int_equal(status.users_failures, 0);
    assert_int_equal(status.last_error.class, ERROR_NONE);
}

static struct config *accounts_config(const struct private_mariadb *server)
{
    struct config *config = mysql_config(server);

    config->accounts_common.source = ACCOUNTS_SOURCE_DATABASE;
    return config;
}

static void test_accounts_are_loaded_with_the_instances(void **state)
{
    struct fixture *fixture = *state;
    struct seen *seen = &fixture->seen;
    struct loader_status status;

    start_server(&fixture->server);
    private_mariadb_execute(&fixture->server, "cmdb",
                            "INSERT INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret)"
                            " VALUES ('1', 'id', 'gAAA'), ('2', 'id', '')");
    start_loader(fixture, accounts_config(&fixture->server));
    await(seen, &seen->status_changes, 1);
    assert_int_equal(count_of(seen, &seen->account_loads), 1);
    assert_int_equal(seen->accounts->count, 1);
    loader_status(fixture->loader, &status);
    assert_true(status.accounts_success_unix_ms > 0);
    assert_int_equal(status.accounts_rejected[REJECTED_MISSING_KEY], 1);
}

static void test_accounts_are_not_loaded_unless_wanted(void **state)
{
    struct fixture *fixture = *state;
    struct seen *seen = &fixture->seen;

    start_server(&fixture->server);
    start_loader(fixture, mysql_config(&fixture->server));
    loader_request(fixture->loader, LOAD_ALL);
    await(seen, &seen->status_changes, 1);
    assert_int_equal(count_of(seen, &seen->account_loads), 0);
}

static void test_missing_accounts_table_fails_that_scope_alone(void **state)
{
    struct fixture *fixture = *state;
    struct seen *seen = &fixture->seen;
    struct loader_status status;

    start_server(&fixture->server);
    private_mariadb_execute(&fixture->server, "cmdb", "DROP TABLE aliyun_uids");
    start_loader(fixture, accounts_config(&fixture->server));
    await(seen, &seen->status_changes, 1);
    assert_int_equal(seen->failed_scope, LOAD_ACCOUNTS);
    assert_int_equal(count_of(seen, &seen->inventories), 1);
    assert_int_equal(count_of(seen, &seen->limit_loads), 1);
    loader_status(fixture->loader, &status);
    assert_int_equal(status.accounts_failures, 1);
    assert_string_equal(status.last_error.code, "1146");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stop_gives_up_on_a_blocking_call_in_time),
        TEST(test_lost_database_keeps_the_inventory_and_comes_back),
        TEST(test_locked_table_is_given_up_and_the_inventory_stays),
        TEST(test_missing_users_table_fails_that_scope_alone),
        TEST(test_accounts_are_loaded_with_the_instances),
        TEST(test_accounts_are_not_loaded_unless_wanted),
        TEST(test_missing_accounts_table_fails_that_scope_alone),
    };

    return cmocka_run_group_tests(tests, initialise, release);
}
