#include "config/config.h"

#include "config/table.h"
#include "test/config/config_fixture.h"

static void test_dump_shows_every_key_and_no_secret(void **state)
{
    struct config *config =
        load(MINIMAL "[mysql]\npassword = canary-password\n" ACCOUNT "security_token = canary-token\n");
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    config_dump(config, &out);
    for (size_t i = 0; i < config_key_count; i++) {
        char line[CONFIG_TEXT_SIZE];
        bool of_account = strcmp(config_keys[i].section, CONFIG_ACCOUNT) == 0;

        snprintf(line, sizeof(line), "%s%s.%s=", config_keys[i].section,
                 of_account ? " 1000000000000001" : "", config_keys[i].key);
        assert_non_null(strstr(strbuf_text(&out), line));
    }
    assert_null(strstr(strbuf_text(&out), "canary"));
    assert_non_null(strstr(strbuf_text(&out), "mysql.password=***\n"));
    assert_non_null(strstr(strbuf_text(&out), "inventory.source=file\n"));
    assert_non_null(strstr(strbuf_text(&out), "das.max_response_size=256MiB\n"));
    strbuf_release(&out);
    config_put(config);
}

static void test_unset_secret_is_dumped_as_empty(void **state)
{
    struct config *config = load(MINIMAL);
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    config_dump(config, &out);
    assert_non_null(strstr(strbuf_text(&out), "mysql.password=\n"));
    strbuf_release(&out);
    config_put(config);
}

static void test_wiping_overwrites_a_secret(void **state)
{
    const struct config_key *key = config_key_find("mysql", "password");
    struct config config = {0};
    char secret[] = "canary";

    (void)state;
    config.mysql.password = secret;
    config_key_wipe(key, &config);
    assert_memory_equal(secret, "\0\0\0\0\0\0", sizeof(secret) - 1);
}

static void assert_reloadable(const char *next_text, const char *message)
{
    struct config *current = load(MINIMAL);
    struct config *next = load(next_text);
    struct error error = {.class = ERROR_NONE};

    assert_int_equal(config_reloadable(current, next, &error), message == NULL);
    if (message != NULL)
        assert_string_equal(error.message, message);
    config_put(current);
    config_put(next);
}

static void test_changes_that_can_be_made_at_run_time_are_reloadable(void **state)
{
    (void)state;
    assert_reloadable(MINIMAL, NULL);
    assert_reloadable("[exporter]\nlog_level=debug\nlog_format=json\n"
                      "[inventory]\nsource=mysql\nfile=x\nrefresh_interval=1m\nexclude=rm-*\n"
                      "[mysql]\nhost=h\nport=1\nuser=u\ndatabase=d\npassword=p\ntls=required\n"
                      "[das]\nendpoint=http://127.0.0.1:1\nrate_limit=1\ntimeout=1m\n"
                      "[metric db_user_session_count]\ninterval=10s\n"
                      "[metric db_max_user_connections]\nenabled=no\n"
                      "[optional_metrics]\ndb_node_sessions=yes\nseries_per_target=1\n" ACCOUNT,
                      NULL);
}

#define RESTART ", which needs a restart; restart, or set it back and reload"

static void test_changes_that_need_a_restart_are_named(void **state)
{
    (void)state;
    assert_reloadable(MINIMAL "[exporter]\nworkers=32\n",
                      "workers in [exporter] changed from 16 to 32" RESTART);
    assert_reloadable(MINIMAL "[exporter]\nqueue_size=1\n",
                      "queue_size in [exporter] changed from 1024 to 1" RESTART);
    assert_reloadable(MINIMAL "[web]\nlisten=[::1]:1\n",
                      "listen in [web] changed from :10104 to [::1]:1" RESTART);
}

static void test_config_lives_until_its_last_reference(void **state)
{
    struct config *config = load(MINIMAL);
    struct config *second = config_get(config);

    (void)state;
    config_put(config);
    assert_string_equal(second->web.listen, ":10104");
    config_put(second);
    config_put(NULL);
}

static void test_metric_names_and_ids_belong_together(void **state)
{
    (void)state;
    assert_string_equal(metric_id_name(METRIC_USER_SESSION_COUNT), "db_user_session_count");
    for (unsigned id = 0; id < METRIC_ID_COUNT; id++)
        assert_int_equal(metric_id_from_name(metric_id_name((enum metric_id)id)), id);
    assert_int_equal(metric_id_from_name("db_users"), METRIC_ID_COUNT);
    assert_int_equal(metric_id_from_name(""), METRIC_ID_COUNT);
}

static void set_example_environment(void)
{
    setenv("MYSQL_PASSWORD", "canary-1", 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "canary-2", 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary-3", 1);
}

static void test_shipped_file_loads_and_says_the_defaults(void **state)
{
    char *text = read_source_file("exporter.ini");
    struct config *defaults =
        load("[mysql]\nhost=127.0.0.1\nuser=exporter\ndatabase=inventory\npassword=x\n");
    struct config *shipped;

    (void)state;
    set_example_environment();
    shipped = load(text);
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, CONFIG_ACCOUNT) != 0 &&
            (config_keys[i].flags & CONFIG_SECRET) == 0)
            assert_true(config_key_equal(&config_keys[i], defaults, shipped));
    }
    assert_string_equal(shipped->mysql.password, "canary-1");
    assert_string_equal(shipped->accounts[0].access_key_secret, "canary-3");
    config_put(defaults);
    config_put(shipped);
    free(text);
}

/* Also those that are commented out. */
static void test_shipped_file_mentions_every_key_in_its_section(void **state)
{
    char *text = read_source_file("exporter.ini");

    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        char header[CONFIG_TEXT_SIZE];
        char plain[CONFIG_TEXT_SIZE];
        char commented[CONFIG_TEXT_SIZE];
        bool of_account = strcmp(config_keys[i].section, CONFIG_ACCOUNT) == 0;
        const char *section;
        const char *end;
        const char *found;

        snprintf(header, sizeof(header), "\n[%s%s", config_keys[i].section, of_account ? " " : "]");
        snprintf(plain, sizeof(plain), "\n%s = ", config_keys[i].key);
        snprintf(commented, sizeof(commented), "\n# %s = ", config_keys[i].key);
        section = strstr(text, header);
        assert_non_null(section);
        end = strstr(section + 1, "\n[");
        found = strstr(section, plain);
        if (found == NULL || (end != NULL && found > end))
            found = strstr(section, commented);
        if (found == NULL || (end != NULL && found > end))
            fail_msg("%s of [%s] is not in exporter.ini", config_keys[i].key, config_keys[i].section);
    }
    free(text);
}

static void test_documented_table_is_the_table(void **state)
{
    char *document = read_source_file("docs/config.md");
    struct strbuf table;

    (void)state;
    strbuf_init(&table, 0);
    config_describe(&table);
    assert_false(strbuf_failed(&table));
    if (strstr(document, strbuf_text(&table)) == NULL)
        fail_msg("docs/config.md does not hold this table:\n%s", strbuf_text(&table));
    strbuf_release(&table);
    free(document);
}

static uint64_t next_number(uint64_t *seed)
{
    /* xorshift64 (Marsaglia 2003): the same mutations in every run */
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t mutate(char *bytes, size_t length, uint64_t *seed)
{
    static const char special[] = "[]=#;\n\r\0 ${}\xef\t_019az";
    size_t at = (size_t)(next_number(seed) % length);
    size_t count = 1 + (size_t)(next_number(seed) % 40);

    if (count > length - at)
        count = length - at;
    switch (next_number(seed) % 4) {
    case 0:
        bytes[at] = (char)next_number(seed);
        break;
    case 1:
        bytes[at] = special[next_number(seed) % sizeof(special)];
        break;
    case 2: /* lose a piece */
        memmove(bytes + at, bytes + at + count, length - at - count);
        length -= count;
        break;
    default: /* copy a piece over another */
        memmove(bytes + at, bytes + (size_t)(next_number(seed) % (length - count + 1)), count);
        break;
    }
    return length;
}

static void assert_loads_or_names_a_line(void)
{
    struct error error = {.class = ERROR_NONE};
    struct config *config = config_load("other.ini", &error);
    unsigned line = 0;

    if (config != NULL) {
        config_put(config);
        return;
    }
    if (sscanf(error.message, "other.ini:%u: ", &line) != 1 || line == 0)
        fail_msg("no line in: %s", error.message);
    assert_null(strstr(error.message, "canary"));
}

static void test_mutated_files_load_or_name_a_line(void **state)
{
    char *text = read_source_file("exporter.ini");
    size_t length = strlen(text);
    char *mutated = malloc(length);
    uint64_t seed = 20260102;

    (void)state;
    assert_non_null(mutated);
    set_example_environment();
    for (int round = 0; round < 10000; round++) {
        size_t mutated_length = length;

        memcpy(mutated, text, length);
        for (uint64_t left = 1 + next_number(&seed) % 4; left > 0 && mutated_length > 0; left--)
            mutated_length = mutate(mutated, mutated_length, &seed);
        write_bytes("other.ini", mutated, mutated_length);
        assert_loads_or_names_a_line();
    }
    free(mutated);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_shows_every_key_and_no_secret),
        cmocka_unit_test(test_unset_secret_is_dumped_as_empty),
        cmocka_unit_test(test_wiping_overwrites_a_secret),
        cmocka_unit_test(test_changes_that_can_be_made_at_run_time_are_reloadable),
        cmocka_unit_test(test_changes_that_need_a_restart_are_named),
        cmocka_unit_test(test_config_lives_until_its_last_reference),
        cmocka_unit_test(test_metric_names_and_ids_belong_together),
        cmocka_unit_test(test_shipped_file_loads_and_says_the_defaults),
        cmocka_unit_test(test_shipped_file_mentions_every_key_in_its_section),
        cmocka_unit_test(test_documented_table_is_the_table),
        cmocka_unit_test(test_mutated_files_load_or_name_a_line),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
