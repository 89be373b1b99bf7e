/* How the connection is made and refused: passwords, addresses, TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "test/db/certificates.h"
#include "test/db/mysql_fixture.h"

static char certificate_option[128], key_option[128], ca_file[128], other_ca_file[128];
static char authority_option[128], client_certificate[128], client_key[128];
static const char *const tls_options[] = {certificate_option, key_option, authority_option, NULL};

static struct mysql_config tcp_config(enum mysql_tls tls, const char *tls_ca_file)
{
    struct mysql_config config = socket_config();

    config.socket = "";
    config.host = "127.0.0.1";
    config.port = server.port;
    config.tls = tls;
    config.tls_ca_file = tls_ca_file;
    return config;
}

/* Reading fails altogether with that number, a message that holds `text`, and no password in it. */
static void assert_refused(const struct mysql_config *config, const char *code, const char *text)
{
    struct reading reading;

    read_with(&reading, config, LOAD_ALL);
    assert_int_equal(reading.whole, 0);
    assert_int_equal(reading.error.class, ERROR_INVENTORY);
    assert_string_equal(reading.error.code, code);
    if (strstr(reading.error.message, text) == NULL)
        fail_msg("expected '%s', got: %s", text, reading.error.message);
    assert_null(strstr(reading.error.message, PASSWORD));
    rows_release(&reading.rows);
}

static void test_wrong_password_over_tcp_names_user_host_and_port(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, "");
    char where[64];

    (void)state;
    require_server();
    config.password = "wrong";
    snprintf(where, sizeof(where), USER "@127.0.0.1:%d/" DATABASE, server.port);
    assert_refused(&config, "1045", where);
    assert_refused(&config, "1045", "check user and password");
}

static void test_wrong_password_over_the_socket_names_the_socket(void **state)
{
    struct mysql_config config = socket_config();

    (void)state;
    require_server();
    config.password = "";
    assert_refused(&config, "1045", server.socket);
}

static void test_unknown_database_is_named(void **state)
{
    struct mysql_config config = socket_config();

    (void)state;
    require_server();
    config.user = "root";
    config.password = "";
    config.database = "nowhere";
    assert_refused(&config, "1049", "check database");
}

static void test_database_without_grant_is_refused(void **state)
{
    struct mysql_config config = socket_config();

    (void)state;
    require_server();
    config.database = "mysql";
    assert_refused(&config, "1044", "GRANT SELECT");
}

static void test_closed_port_is_unreachable(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, "");

    (void)state;
    config.port = free_loopback_port();
    assert_refused(&config, "2002", "reachable");
}

static void test_missing_socket_is_unreachable(void **state)
{
    struct mysql_config config = socket_config();

    (void)state;
    config.socket = "/nonexistent/socket";
    assert_refused(&config, "2002", "/nonexistent/socket");
}

static int listen_on_loopback(int64_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* The connections of this listener are answered by nobody. */
static void test_silent_server_is_given_up_after_the_connect_timeout(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, "");
    int listener = listen_on_loopback(&config.port);
    int64_t start = clock_now();

    (void)state;
    config.connect_timeout = NS_PER_SECOND;
    assert_refused(&config, "2013", "did not answer in time");
    assert_in_range(clock_now() - start, NS_PER_SECOND / 2, 20 * NS_PER_SECOND);
    close(listener);
}

static void assert_loads(const struct mysql_config *config)
{
    struct reading reading;

    read_with(&reading, config, LOAD_ALL);
    if (reading.whole != LOAD_ALL)
        print_error("%s\n", reading.error.message);
    assert_int_equal(reading.whole, LOAD_ALL);
    rows_release(&reading.rows);
}

static void test_tls_required_connects_without_an_authority(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_REQUIRED, "");

    (void)state;
    require_server();
    execute("ALTER USER " USER " REQUIRE SSL");
    assert_loads(&config);
}

static void test_tls_verify_connects_with_the_right_authority_and_name(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_VERIFY, ca_file);

    (void)state;
    require_server();
    execute("ALTER USER " USER " REQUIRE SSL");
    assert_loads(&config);
}

static void test_tls_verify_refuses_an_unknown_authority(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_VERIFY, other_ca_file);

    (void)state;
    require_server();
    assert_refused(&config, "2026", "tls_ca_file");
}

static void test_tls_verify_refuses_the_systems_authorities_for_a_private_one(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_VERIFY, "");

    (void)state;
    require_server();
    assert_refused(&config, "2026", "tls_ca_file");
}

static void test_tls_verify_refuses_a_certificate_for_another_name(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_VERIFY, ca_file);

    (void)state;
    require_server();
    config.host = "localhost";
    assert_refused(&config, "2026", "tls_ca_file");
}

static void test_tls_off_does_not_encrypt(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, ca_file);

    (void)state;
    require_server();
    execute("ALTER USER " USER " REQUIRE SSL");
    assert_refused(&config, "1045",
                   "tls is off in [mysql]: a user with REQUIRE SSL or X509 is refused like this");
}

static void test_client_certificate_opens_an_account_that_requires_one(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_VERIFY, ca_file);

    (void)state;
    require_server();
    execute("ALTER USER " USER " REQUIRE X509");
    assert_refused(&config, "1045", "a user with REQUIRE X509 needs tls_cert_file");
    config.tls_cert_file = client_certificate;
    config.tls_key_file = client_key;
    assert_loads(&config);
}

static void test_key_of_the_server_does_not_disturb_other_proofs(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, "");

    (void)state;
    require_server();
    config.server_public_key_file = client_key;
    assert_loads(&config);
}

static void test_key_of_another_certificate_is_refused(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_VERIFY, ca_file);

    (void)state;
    require_server();
    config.tls_cert_file = client_certificate;
    config.tls_key_file = key_option + strlen("--ssl-key=");
    assert_refused(&config, "2026", "tls_cert_file");
}

static void test_host_localhost_means_tcp(void **state)
{
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, "");

    (void)state;
    require_server();
    config.host = "localhost";
    assert_loads(&config);
}

/* Restarts the server with other options, or with those of the group. */
static void restart_with(const char *const *extra)
{
    private_mariadb_kill(&server);
    server.extra = extra;
    private_mariadb_start(&server);
}

static int restart_with_tls(void **state)
{
    (void)state;
    if (server.pid != 0)
        restart_with(tls_options);
    return 0;
}

static void test_tls_required_and_verify_refuse_a_server_without_tls(void **state)
{
    static const char *const no_tls[] = {"--skip-ssl", NULL};
    struct mysql_config required = tcp_config(MYSQL_TLS_REQUIRED, "");
    struct mysql_config verify = tcp_config(MYSQL_TLS_VERIFY, ca_file);

    (void)state;
    require_server();
    restart_with(no_tls);
    assert_refused(&required, "", "offers no TLS");
    assert_refused(&verify, "2026", "TLS");
}

static void test_server_that_requires_tls_is_said_so(void **state)
{
    static const char *const secure_only[] = {certificate_option, key_option, "--require-secure-transport=ON",
                                              NULL};
    struct mysql_config config = tcp_config(MYSQL_TLS_OFF, "");

    (void)state;
    require_server();
    restart_with(secure_only);
    assert_refused(&config, "1045", "tls is off in [mysql]");
}

static void test_tls_below_1_2_is_refused(void **state)
{
    static const char *const old_tls[] = {certificate_option, key_option, "--tls-version=TLSv1.1", NULL};
    struct mysql_config config = tcp_config(MYSQL_TLS_REQUIRED, "");

    (void)state;
    require_server();
    restart_with(old_tls);
    assert_refused(&config, "2026", "check tls");
}

/*
 * Lets client and server speak any TLS version, whatever the system's OpenSSL allows, so that it is
 * our own setting that a test sees. Read when the library is first used.
 */
static int allow_old_tls(void)
{
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/openssl.cnf", server.folder);
    file = fopen(path, "we");
    if (file == NULL)
        return -1;
    fputs("openssl_conf = main\n[main]\nssl_conf = ssl\n[ssl]\nsystem_default = any\n"
          "[any]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n",
          file);
    return fclose(file) == 0 ? setenv("OPENSSL_CONF", path, 1) : -1;
}

static void write_certificates(void)
{
    certificates_write(server.folder, "127.0.0.1");
    snprintf(certificate_option, sizeof(certificate_option), "--ssl-cert=%s/server.pem", server.folder);
    snprintf(key_option, sizeof(key_option), "--ssl-key=%s/server.key", server.folder);
    snprintf(authority_option, sizeof(authority_option), "--ssl-ca=%s/ca.pem", server.folder);
    snprintf(client_certificate, sizeof(client_certificate), "%s/client.pem", server.folder);
    snprintf(client_key, sizeof(client_key), "%s/client.key", server.folder);
    snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", server.folder);
    snprintf(other_ca_file, sizeof(other_ca_file), "%s/other-ca.pem", server.folder);
}

static int start_tls_server(void **state)
{
    struct error error;
    bool installed = private_mariadb_installed();

    (void)state;
    if (installed)
        private_mariadb_create(&server);
    if ((installed && allow_old_tls() != 0) || !source_global_init(&error))
        return -1;
    if (!installed)
        return 0;
    write_certificates();
    server.port = free_loopback_port();
    server.extra = tls_options;
    private_mariadb_start(&server);
    return 0;
}

#define TEST(name)         cmocka_unit_test_setup(name, create_tables)
#define TEST_RESTART(name) cmocka_unit_test_setup_teardown(name, create_tables, restart_with_tls)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_password_over_tcp_names_user_host_and_port),
        TEST(test_wrong_password_over_the_socket_names_the_socket),
        TEST(test_unknown_database_is_named),
        TEST(test_database_without_grant_is_refused),
        TEST(test_closed_port_is_unreachable),
        TEST(test_missing_socket_is_unreachable),
        TEST(test_silent_server_is_given_up_after_the_connect_timeout),
        TEST(test_tls_required_connects_without_an_authority),
        TEST(test_tls_verify_connects_with_the_right_authority_and_name),
        TEST(test_tls_verify_refuses_an_unknown_authority),
        TEST(test_tls_verify_refuses_the_systems_authorities_for_a_private_one),
        TEST(test_tls_verify_refuses_a_certificate_for_another_name),
        TEST(test_tls_off_does_not_encrypt),
        TEST(test_client_certificate_opens_an_account_that_requires_one),
        TEST(test_key_of_the_server_does_not_disturb_other_proofs),
        TEST(test_key_of_another_certificate_is_refused),
        TEST(test_host_localhost_means_tcp),
        TEST_RESTART(test_server_that_requires_tls_is_said_so),
        TEST_RESTART(test_tls_required_and_verify_refuse_a_server_without_tls),
        TEST_RESTART(test_tls_below_1_2_is_refused),
    };

    return cmocka_run_group_tests(tests, start_tls_server, stop_server);
}
