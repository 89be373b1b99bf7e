#include "config/table.h"
#include "core/clock.h"
#include "test/config/config_fixture.h"

static void test_minimal_file_has_every_default(void **state)
{
    struct config *config = load(MINIMAL);

    (void)state;
    assert_int_equal(config->exporter.workers, 16);
    assert_int_equal(config->exporter.queue_size, 1024);
    assert_int_equal(config->exporter.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->exporter.log_format, LOG_FORMAT_LOGFMT);
    assert_string_equal(config->web.listen, ":10104");
    assert_string_equal(config->inventory.file, "inventory.ini");
    assert_int_equal(config->inventory.refresh_interval, 60 * NS_PER_SECOND);
    assert_string_equal(config->inventory.exclude, "");
    assert_int_equal(config->mysql.port, 3306);
    assert_int_equal(config->mysql.connect_timeout, 5 * NS_PER_SECOND);
    assert_int_equal(config->mysql.tls, MYSQL_TLS_OFF);
    assert_string_equal(config->mysql.password, "");
    assert_string_equal(config->das.endpoint, "https://das.cn-shanghai.aliyuncs.com");
    assert_int_equal(config->das.rate_limit, 50);
    assert_int_equal(config->das.rate_window, NS_PER_SECOND);
    assert_int_equal(config->das.total_rate_limit, 0);
    assert_int_equal(config->das.connect_timeout, 5 * NS_PER_SECOND);
    assert_int_equal(config->das.timeout, 10 * NS_PER_SECOND);
    assert_int_equal(config->das.result_timeout, 60 * NS_PER_SECOND);
    assert_int_equal(config->das.max_response_size, INT64_C(256) << 20);
    assert_true(config->metrics[METRIC_USER_SESSION_COUNT].enabled);
    assert_int_equal(config->metrics[METRIC_USER_SESSION_COUNT].interval, 60 * NS_PER_SECOND);
    assert_int_equal(config->metrics[METRIC_USER_SESSION_COUNT].stale_after, 180 * NS_PER_SECOND);
    assert_true(config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled);
    assert_int_equal(config->metrics[METRIC_MAX_USER_CONNECTIONS].interval, 300 * NS_PER_SECOND);
    assert_int_equal(config->metrics[METRIC_MAX_USER_CONNECTIONS].stale_after, 3600 * NS_PER_SECOND);
    for (int id = 0; id < OPTIONAL_METRIC_COUNT; id++)
        assert_false(config->optional_metrics.enabled[id]);
    assert_int_equal(config->optional_metrics.series_per_target, 100);
    assert_int_equal(config->account_count, 0);
    assert_string_equal(config->path, CONFIG);
    config_put(config);
}

static void test_every_type_of_value_is_stored(void **state)
{
    struct config *config = load("[exporter]\nworkers = 3\nlog_level = error\nlog_format = json\n"
                                 "[inventory]\nsource = file\n"
                                 "[das]\nmax_response_size = 1MiB\ntimeout = 1500ms\nconnect_timeout = 1s\n"
                                 "[mysql]\ntls = verify\nuser = a b\n"
                                 "[metric db_user_session_count]\nenabled = OFF\n");

    (void)state;
    assert_int_equal(config->exporter.workers, 3);
    assert_int_equal(config->exporter.log_level, LOG_LEVEL_ERROR);
    assert_int_equal(config->exporter.log_format, LOG_FORMAT_JSON);
    assert_int_equal(config->inventory.source, INVENTORY_SOURCE_FILE);
    assert_int_equal(config->das.max_response_size, 1 << 20);
    assert_int_equal(config->das.timeout, 1500 * NS_PER_MS);
    assert_int_equal(config->mysql.tls, MYSQL_TLS_VERIFY);
    assert_string_equal(config->mysql.user, "a b");
    assert_false(config->metrics[METRIC_USER_SESSION_COUNT].enabled);
    assert_true(config->metrics[METRIC_MAX_USER_CONNECTIONS].enabled);
    config_put(config);
}

static void test_default_of_every_key_is_within_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        struct account_config account = {0};
        struct config config = {0};
        void *object = strcmp(key->section, CONFIG_ACCOUNT) == 0 ? (void *)&account : (void *)&config;

        if (key->fallback[0] == '\0')
            continue;
        arena_init(&config.arena);
        assert_int_equal(config_key_parse(key, key->fallback, NULL, &config.arena, object), CONFIG_PARSED);
        arena_release(&config.arena);
    }
}

static void test_accounts_are_found_by_uid_whatever_their_order(void **state)
{
    struct config *config =
        load(MINIMAL "[account 3]\naccess_key_id=c\naccess_key_secret=s3\n"
                     "[account 1]\naccess_key_id=a\naccess_key_secret=s1\nrate_limit=30\n"
                     "[account a_B-2]\naccess_key_id=b\naccess_key_secret=s2\nsecurity_token=t\n");

    (void)state;
    assert_int_equal(config->account_count, 3);
    assert_string_equal(config_account(config, "1")->access_key_id, "a");
    assert_int_equal(config_account(config, "1")->rate_limit, 30);
    assert_string_equal(config_account(config, "3")->access_key_secret, "s3");
    assert_int_equal(config_account(config, "3")->rate_limit, 0);
    assert_string_equal(config_account(config, "3")->security_token, "");
    assert_string_equal(config_account(config, "a_B-2")->security_token, "t");
    assert_null(config_account(config, "2"));
    config_put(config);
}

static void test_account_is_not_found_without_any(void **state)
{
    struct config *config = load(MINIMAL);

    (void)state;
    assert_null(config_account(config, "1"));
    config_put(config);
}

static void test_many_accounts_load(void **state)
{
    struct strbuf text;
    struct config *config;

    (void)state;
    strbuf_init(&text, 0);
    strbuf_append_text(&text, MINIMAL);
    for (int i = 0; i < 1000; i++)
        strbuf_append_format(&text, "[account %d]\naccess_key_id=k%d\naccess_key_secret=s\n", i * 7919 % 1000,
                             i);
    config = load(strbuf_text(&text));
    assert_int_equal(config->account_count, 1000);
    assert_non_null(config_account(config, "999"));
    config_put(config);
    strbuf_release(&text);
}

static void test_unknown_names_are_refused_with_advice(void **state)
{
    static const struct refusal cases[] = {
        {"[exporter]\nwrokers = 1\n",
         "exporter.ini:2: unknown key 'wrokers' in [exporter], did you mean 'workers'?"},
        {"[mysql]\nHost = x\n", "exporter.ini:2: unknown key 'Host' in [mysql], did you mean 'host'?"},
        {"[exporter]\ninterval = 1s\n", "exporter.ini:2: unknown key 'interval' in [exporter], it belongs to "
                                        "[metric db_user_session_count]"},
        {"[inventory]\npassword_file = x\n",
         "exporter.ini:2: unknown key 'password_file' in [inventory], it belongs to [mysql]"},
        {"[web]\nencryption = x\n",
         "exporter.ini:2: unknown key 'encryption' in [web], expected one of listen, tls_cert_file, "
         "tls_key_file, tls_client_ca_file, basic_auth_file, external_url, route_prefix, admin_token"},
        {"[account 1]\nQWxhZGRpbjpvcGVu = =\n",
         "exporter.ini:2: unknown key in [account], expected one of access_key_id, access_key_secret, "
         "security_token, role_arn, role_session_name, external_id, duration, policy, sts_endpoint, "
         "source_account, ecs_role, oidc_provider_arn, oidc_token_file, credentials_uri, rate_limit; is it "
         "the rest of a value?"},
        {"[exporter]\nxyz = 1\n", "exporter.ini:2: unknown key 'xyz' in [exporter], expected one of workers, "
                                  "queue_size, log_level, log_format"},
        {"[mysq]\n", "exporter.ini:1: unknown section [mysq], did you mean [mysql]?"},
        {"[ web ]\n",
         "exporter.ini:1: unknown section [ web ], expected one of [exporter], [web], [inventory], "
         "[mysql], [das], [metric db_user_session_count], [metric db_max_user_connections], "
         "[optional_metrics], [accounts], [account UID]"},
        {"[metric db_user_sessions_count]\n",
         "exporter.ini:1: unknown section [metric db_user_sessions_count], did "
         "you mean [metric db_user_session_count]?"},
        {"[acount 1000000000000001]\n",
         "exporter.ini:1: unknown section [acount 1000000000000001], did you mean [account UID]?"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void test_bad_values_are_refused_with_what_was_expected(void **state)
{
    static const struct refusal cases[] = {
        {"[exporter]\nworkers = many\n",
         "exporter.ini:2: workers in [exporter] is 'many', expected a whole number from 1 to 1024"},
        {"[exporter]\nworkers = 0\n",
         "exporter.ini:2: workers in [exporter] is '0', expected a whole number from 1 to 1024"},
        {"[exporter]\nqueue_size = 1048577\n",
         "exporter.ini:2: queue_size in [exporter] is '1048577', expected a whole number from 1 to 1048576"},
        {"[exporter]\nlog_level = warning\n",
         "exporter.ini:2: log_level in [exporter] is 'warning', expected one of debug, info, warn, error"},
        {"[web]\nlisten =\n", "exporter.ini:2: listen in [web] is empty, expected a text, not empty"},
        {"[mysql]\nport = 65536\n",
         "exporter.ini:2: port in [mysql] is '65536', expected a whole number from 1 to 65535"},
        {"[mysql]\ntls = yes\n",
         "exporter.ini:2: tls in [mysql] is 'yes', expected one of off, required, verify"},
        {"[das]\nendpoint = \n", "exporter.ini:2: endpoint in [das] is empty, expected a text, not empty"},
        {"[das]\nresult_timeout = 999ms\n", "exporter.ini:2: result_timeout in [das] is '999ms', expected a "
                                            "duration from 1s to 1h, such as 60s"},
        {"[das]\nmax_response_size = 8MB\n", "exporter.ini:2: max_response_size in [das] is '8MB', expected "
                                             "a size from 64KiB to 1GiB, such as 256MiB"},
        {"[metric db_user_session_count]\ninterval = 60\n",
         "exporter.ini:2: interval in [metric db_user_session_count] is '60', expected a duration from 1s to "
         "24h, "
         "such as 60s"},
        {"[metric db_user_session_count]\nenabled = 1\n",
         "exporter.ini:2: enabled in [metric db_user_session_count] is '1', expected yes or no"},
        {"[optional_metrics]\nseries_per_target = 0\n",
         "exporter.ini:2: series_per_target in [optional_metrics] is '0', expected a whole number from 1 to "
         "10000"},
        {"[optional_metrics]\ndb_node_sessions = 1\n",
         "exporter.ini:2: db_node_sessions in [optional_metrics] is '1', expected yes or no"},
        {"[account 1]\naccess_key_secret =\n",
         "exporter.ini:2: access_key_secret in [account 1] is empty, expected a text, not empty"},
        {"[account 1]\nrate_limit = 0\n",
         "exporter.ini:2: rate_limit in [account 1] is '0', expected a whole number from 1 to 100000"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void test_repetitions_are_refused_with_the_first_line(void **state)
{
    static const struct refusal cases[] = {
        {"[mysql]\nport = 1\nport = 1\n",
         "exporter.ini:3: 'port' again in [mysql], expected it once; it was set in line 2"},
        {"[web]\n\n[mysql]\n[web]\n", "exporter.ini:4: [web] again, expected it once; it began in line 1"},
        {MINIMAL ACCOUNT ACCOUNT,
         "exporter.ini:6: [account 1000000000000001] again, expected it once; it began in line 3"},
        {"[mysql]\npassword = a\npassword_file = b\n",
         "exporter.ini:3: both 'password' and 'password_file' in [mysql], expected one of them; "
         "the other is in line 2"},
        {"[account 1]\naccess_key_id_file = /dev/null\n",
         "exporter.ini:2: 'access_key_id_file': /dev/null is a device, expected a regular file"},
        {"[account 1]\naccess_key_id = b\naccess_key_id = a\n",
         "exporter.ini:3: 'access_key_id' again in [account], expected it once; it was set in line 2"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void test_same_key_in_two_accounts_is_no_repetition(void **state)
{
    struct config *config = load(MINIMAL ACCOUNT "[account 2]\naccess_key_id = x\naccess_key_secret = y\n");

    (void)state;
    assert_int_equal(config->account_count, 2);
    config_put(config);
}

static void test_bad_account_sections_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {"[account]\n",
         "exporter.ini:1: [account] has a bad UID, expected digits, letters, '_' and '-', such as "
         "[account 1000000000000001]"},
        {"[account 1 2]\n",
         "exporter.ini:1: [account 1 2] has a bad UID, expected digits, letters, '_' and '-', such "
         "as [account 1000000000000001]"},
        {MINIMAL "[account 1]\naccess_key_id = a\n",
         "exporter.ini:4: [account 1]: 'access_key_id' without 'access_key_secret', expected it or "
         "'access_key_secret_file' too"},
        {MINIMAL "[account 1]\naccess_key_secret = a\n",
         "exporter.ini:4: [account 1]: 'access_key_secret' without 'access_key_id', expected it or "
         "'access_key_id_file' too"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

#define COMPLETE_MYSQL "[mysql]\nhost = h\nuser = u\ndatabase = d\n"
#define MYSQL_ADVICE                                                                                         \
    " because 'source' in [inventory] is mysql (the default); for an inventory without a database set "      \
    "source = file"

static void test_keys_that_need_each_other_are_checked_in_the_end(void **state)
{
    static const struct refusal cases[] = {
        {"", "exporter.ini:1: 'host' is not set in [mysql], expected it or 'socket'" MYSQL_ADVICE},
        {"\n[mysql]\nuser = u\n",
         "exporter.ini:2: 'host' is not set in [mysql], expected it or 'socket'" MYSQL_ADVICE},
        {"[mysql]\nhost =\n",
         "exporter.ini:2: 'host' is not set in [mysql], expected it or 'socket'" MYSQL_ADVICE},
        {"[mysql]\nhost = h\n", "exporter.ini:1: 'user' is not set in [mysql], expected it" MYSQL_ADVICE},
        {"[mysql]\nsocket = s\nuser = u\n",
         "exporter.ini:1: 'database' is not set in [mysql], expected it" MYSQL_ADVICE},
        {MINIMAL "exclude = rm-1; rm-2\n",
         "exporter.ini:3: exclude in [inventory] has a ';', expected ids and "
         "patterns separated by ','"},
        {MINIMAL "exclude = rm-[ab, rm-2]\n", "exporter.ini:3: exclude in [inventory] has a '[' without ']', "
                                              "expected patterns such as pc-[ab]*"},
        {MINIMAL "[metric db_user_session_count]\ninterval = 10m\nstale_after = 3m\n",
         "exporter.ini:5: stale_after in [metric db_user_session_count] is 3m, expected at least 10m, which "
         "is its interval"},
        {MINIMAL "[optional_metrics]\ndb_client_sessions = yes\n"
                 "[metric db_user_session_count]\nenabled = no\n",
         "exporter.ini:4: db_client_sessions in [optional_metrics] is yes, expected no while 'enabled' in "
         "[metric db_user_session_count] is no: both come from the same replies"},
        {COMPLETE_MYSQL "tls_cert_file = c\n",
         "exporter.ini:5: tls_cert_file in [mysql] is set without tls_key_file, expected both"},
        {COMPLETE_MYSQL "tls_key_file = k\n",
         "exporter.ini:5: tls_key_file in [mysql] is set without tls_cert_file, expected both"},
        {COMPLETE_MYSQL "tls = off\ntls_cert_file = c\ntls_key_file = k\n",
         "exporter.ini:5: tls in [mysql] is off, expected required or verify with tls_cert_file"},
        {COMPLETE_MYSQL "tls = required\nserver_public_key_file = k\n",
         "exporter.ini:6: server_public_key_file in [mysql] is for tls = off; with TLS use tls = verify "
         "alone"},
        {MINIMAL "[das]\nconnect_timeout = 5s\ntimeout = 1s\n",
         "exporter.ini:5: timeout in [das] is 1s, expected at least 5s, which is its connect_timeout"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void test_default_of_the_longer_follows_the_shorter(void **state)
{
    struct config *config = load(MINIMAL "[das]\nconnect_timeout = 20s\n"
                                         "[metric db_user_session_count]\ninterval = 10m\n");

    (void)state;
    assert_int_equal(config->das.timeout, 40 * NS_PER_SECOND);
    assert_int_equal(config->metrics[METRIC_USER_SESSION_COUNT].stale_after, 30 * 60 * NS_PER_SECOND);
    config_put(config);
}

static void test_default_of_the_shorter_follows_the_longer(void **state)
{
    struct config *config = load(MINIMAL "[das]\ntimeout = 3s\n"
                                         "[metric db_max_user_connections]\nstale_after = 1m\n");

    (void)state;
    assert_int_equal(config->das.connect_timeout, 3 * NS_PER_SECOND);
    assert_int_equal(config->metrics[METRIC_MAX_USER_CONNECTIONS].interval, 60 * NS_PER_SECOND);
    config_put(config);
}

static void test_inventory_file_without_mysql_is_the_source(void **state)
{
    struct config *config = load("[inventory]\nfile = list.ini\n");

    (void)state;
    assert_int_equal(config->inventory.source, INVENTORY_SOURCE_FILE);
    config_put(config);
}

static void test_ca_file_of_mysql_means_that_the_server_is_verified(void **state)
{
    struct config *config = load(MINIMAL "[mysql]\ntls_ca_file = ca.pem\n");

    (void)state;
    assert_int_equal(config->mysql.tls, MYSQL_TLS_VERIFY);
    config_put(config);
}

static void test_default_address_has_tls_when_there_is_a_certificate(void **state)
{
    struct config *config = load(MINIMAL "[web]\ntls_cert_file = cert.pem\n");

    (void)state;
    assert_int_equal(config->web.listen[strlen(config->web.listen) - 1], 's');
    config_put(config);
}

static void test_what_is_written_is_not_replaced_by_a_default(void **state)
{
    struct config *config = load("[inventory]\nsource = file\nfile = list.ini\n"
                                 "[mysql]\ntls = off\ntls_ca_file = ca.pem\n"
                                 "[web]\nlisten = 127.0.0.1:1\ntls_cert_file = cert.pem\n"
                                 "[das]\nconnect_timeout = 4s\ntimeout = 4s\n");

    (void)state;
    assert_int_equal(config->mysql.tls, MYSQL_TLS_OFF);
    assert_string_equal(config->web.listen, "127.0.0.1:1");
    assert_int_equal(config->das.timeout, 4 * NS_PER_SECOND);
    config_put(config);
}

static void test_database_by_socket_needs_no_host(void **state)
{
    struct config *config = load("[mysql]\nsocket = /s\nuser = u\ndatabase = d\n");

    (void)state;
    assert_string_equal(config->mysql.socket, "/s");
    config_put(config);
}

static void test_missing_file_is_named(void **state)
{
    struct error error;

    (void)state;
    assert_null(config_load("/nonexistent/exporter.ini", &error));
    assert_string_equal(error.message,
                        "cannot open the file /nonexistent/exporter.ini: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal_file_has_every_default),
        cmocka_unit_test(test_every_type_of_value_is_stored),
        cmocka_unit_test(test_default_of_every_key_is_within_its_bounds),
        cmocka_unit_test(test_accounts_are_found_by_uid_whatever_their_order),
        cmocka_unit_test(test_account_is_not_found_without_any),
        cmocka_unit_test(test_many_accounts_load),
        cmocka_unit_test(test_unknown_names_are_refused_with_advice),
        cmocka_unit_test(test_bad_values_are_refused_with_what_was_expected),
        cmocka_unit_test(test_repetitions_are_refused_with_the_first_line),
        cmocka_unit_test(test_same_key_in_two_accounts_is_no_repetition),
        cmocka_unit_test(test_bad_account_sections_are_refused),
        cmocka_unit_test(test_keys_that_need_each_other_are_checked_in_the_end),
        cmocka_unit_test(test_default_of_the_longer_follows_the_shorter),
        cmocka_unit_test(test_default_of_the_shorter_follows_the_longer),
        cmocka_unit_test(test_inventory_file_without_mysql_is_the_source),
        cmocka_unit_test(test_ca_file_of_mysql_means_that_the_server_is_verified),
        cmocka_unit_test(test_default_address_has_tls_when_there_is_a_certificate),
        cmocka_unit_test(test_what_is_written_is_not_replaced_by_a_default),
        cmocka_unit_test(test_database_by_socket_needs_no_host),
        cmocka_unit_test(test_missing_file_is_named),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
