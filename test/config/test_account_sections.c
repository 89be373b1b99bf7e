#include <sys/stat.h>

#include "core/clock.h"
#include "test/config/config_fixture.h"

#define KEY       "access_key_id = id\naccess_key_secret = canary-secret\n"
#define ROLE(uid) "role_arn = acs:ram::" uid ":role/exporter\n"
#define OIDC      "oidc_provider_arn = acs:ram::1:oidc-provider/ack\noidc_token_file = /token\n"
#define MYSQL     "[mysql]\nhost = h\nuser = u\ndatabase = d\n"
#define DATABASE  MYSQL "[accounts]\nsource = database\nencryption_password = canary\n"

static const char *const variables[] = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID",   "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_ROLE_ARN",        "ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_ECS_METADATA",      "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    "ALIBABA_CLOUD_IMDSV1_DISABLED", "ALIBABA_CLOUD_CREDENTIALS_URI",
};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

static void set(const char *name, const char *value)
{
    char variable[64];

    snprintf(variable, sizeof(variable), "ALIBABA_CLOUD_%s", name);
    assert_int_equal(setenv(variable, value, 1), 0);
}

static void assert_kind(const char *keys, enum credential_kind kind, enum credential_kind caller)
{
    char text[1024];
    struct config *config;

    snprintf(text, sizeof(text), "%s[account 2]\n%s[account 1]\n%s", MINIMAL, KEY, keys);
    config = load(text);
    assert_int_equal(account_kind(config_account(config, "1")), kind);
    assert_int_equal(account_caller_kind(config_account(config, "1")), caller);
    config_put(config);
}

static void test_keys_of_a_section_name_its_source(void **state)
{
    (void)state;
    assert_kind(KEY, CREDENTIAL_STATIC, CREDENTIAL_STATIC);
    assert_kind("ecs_role = auto\n", CREDENTIAL_ECS_ROLE, CREDENTIAL_ECS_ROLE);
    assert_kind("credentials_uri = http://127.0.0.1/c\n", CREDENTIAL_URI, CREDENTIAL_URI);
    assert_kind(ROLE("1") OIDC, CREDENTIAL_OIDC_ROLE, CREDENTIAL_NONE);
    assert_kind(ROLE("1") "source_account = 2\n", CREDENTIAL_ROLE, CREDENTIAL_NONE);
    assert_kind(ROLE("1") KEY, CREDENTIAL_ROLE, CREDENTIAL_STATIC);
    assert_kind(ROLE("1") "ecs_role = auto\n", CREDENTIAL_ROLE, CREDENTIAL_ECS_ROLE);
    assert_kind(ROLE("1") "credentials_uri = https://c\n", CREDENTIAL_ROLE, CREDENTIAL_URI);
}

static void test_every_kind_has_a_name(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < CREDENTIAL_KIND_COUNT; kind++)
        assert_true(strlen(credential_kind_name((enum credential_kind)kind)) > 0);
    assert_string_equal(credential_kind_name(CREDENTIAL_OIDC_ROLE), "oidc");
}

static void test_keys_of_a_role_have_defaults(void **state)
{
    struct config *config = load(MINIMAL "[account 1]\n" KEY ROLE("1"));
    const struct account_config *account = config_account(config, "1");

    (void)state;
    assert_string_equal(account->role_session_name, "mysql-session-exporter");
    assert_int_equal(account->duration, 3600 * NS_PER_SECOND);
    assert_string_equal(account->policy, "");
    assert_string_equal(account->source_account, "");
    assert_string_equal(config->accounts_common.sts_endpoint, "");
    assert_int_equal(config->accounts_common.sts_rate_limit, 20);
    assert_true(config->accounts_common.metadata_without_token);
    config_put(config);
}

static void test_path_of_a_key_stays_beside_it(void **state)
{
    struct config *config;

    (void)state;
    write_text("secret", "s\n");
    config =
        load(MINIMAL "[mysql]\npassword_file = secret\n"
                     "[account 1]\naccess_key_id = id\naccess_key_secret_file = /proc/self/cwd/secret\n");
    assert_string_equal(config->mysql.password_file, "secret");
    assert_string_equal(config->accounts[0].access_key_id_file, "");
    assert_string_equal(config->accounts[0].access_key_secret_file, "/proc/self/cwd/secret");
    assert_string_equal(config->accounts[0].access_key_secret, "s");
    config_put(config);
}

static void test_clashing_keys_are_named(void **state)
{
    static const struct refusal cases[] = {
        {MINIMAL "[account 1]\n" KEY "ecs_role = auto\n",
         "exporter.ini:6: [account 1]: both 'access_key_id' and 'ecs_role', expected one source of "
         "credentials"},
        {MINIMAL "[account 1]\ncredentials_uri = http://127.0.0.1/canary\necs_role = auto\n",
         "exporter.ini:4: [account 1]: both 'ecs_role' and 'credentials_uri', expected one source of "
         "credentials"},
        {MINIMAL "[account 1]\n" ROLE("1") KEY OIDC,
         "exporter.ini:8: [account 1]: both 'access_key_id' and 'oidc_token_file', expected one source of "
         "credentials"},
        {MINIMAL "[account 1]\n" ROLE("1") KEY "source_account = 2\n",
         "exporter.ini:7: [account 1]: both 'access_key_id' and 'source_account', expected one source of "
         "credentials"},
        {MINIMAL "[account 1]\n" ROLE("1") OIDC "external_id = x\n",
         "exporter.ini:7: [account 1]: both 'external_id' and 'oidc_token_file', but a role that is assumed "
         "with an OIDC token takes no external_id: remove it"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void test_keys_that_need_another_are_refused_without_it(void **state)
{
    static const struct refusal cases[] = {
        {MINIMAL "[account 1]\nsecurity_token = canary\n",
         "exporter.ini:4: [account 1]: 'security_token' without 'access_key_id', expected it or "
         "'access_key_id_file' too"},
        {MINIMAL "[account 1]\noidc_token_file = t\n",
         "exporter.ini:4: [account 1]: 'oidc_token_file' without 'oidc_provider_arn', expected both"},
        {MINIMAL "[account 1]\n" OIDC,
         "exporter.ini:5: [account 1]: 'oidc_token_file' without 'role_arn', expected both"},
        {MINIMAL "[account 1]\nsource_account = 2\n",
         "exporter.ini:4: [account 1]: 'source_account' without 'role_arn', expected both"},
        {MINIMAL "[account 1]\n" KEY "external_id = x\n",
         "exporter.ini:6: [account 1]: 'external_id' without 'role_arn', expected both"},
        {MINIMAL "[account 1]\n" KEY "duration = 1h\n",
         "exporter.ini:6: [account 1]: 'duration' without 'role_arn', expected both"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void assert_arn_refused(const char *arn)
{
    char text[256];
    char message[256];

    snprintf(text, sizeof(text), MINIMAL "[account 1]\n" KEY "role_arn = %s\n", arn);
    snprintf(message, sizeof(message),
             "exporter.ini:6: [account 1]: role_arn is '%s', expected acs:ram::UID:role/NAME", arn);
    assert_refused(text, message);
}

static void test_role_arn_has_a_form(void **state)
{
    (void)state;
    assert_arn_refused("exporter");
    assert_arn_refused("arn:aws:iam::1:role/exporter");
    assert_arn_refused("acs:ram:::role/exporter");
    assert_arn_refused("acs:ram::1:role/");
    assert_arn_refused("acs:ram::1:user/exporter");
    assert_arn_refused("acs:ram::1:role/a b");
    assert_arn_refused("acs:ram::x:role/a");
}

static void test_oidc_provider_arn_has_a_form(void **state)
{
    (void)state;
    assert_refused(MINIMAL "[account 1]\n" ROLE("1") "oidc_provider_arn = ack\noidc_token_file = t\n",
                   "exporter.ini:5: [account 1]: oidc_provider_arn is 'ack', expected "
                   "acs:ram::UID:oidc-provider/NAME");
}

static void test_placeholder_is_for_the_default_account(void **state)
{
    (void)state;
    assert_refused(
        MINIMAL "[account 1]\n" KEY ROLE("{uid}"),
        "exporter.ini:6: [account 1]: role_arn holds {uid}, expected it in [account default] only; "
        "write the account's id");
    assert_refused(MINIMAL "[account default]\n" KEY ROLE("1"),
                   "exporter.ini:6: [account default]: role_arn without {uid} is a role of one account only, "
                   "expected acs:ram::{uid}:role/NAME, or this role in that account's own section");
}

static void test_source_account_is_another_section(void **state)
{
    (void)state;
    assert_refused(MINIMAL "[account 1]\n" ROLE("1") "source_account = 2\n",
                   "exporter.ini:5: [account 1]: source_account is '2', expected the UID of another section");
    assert_refused(MINIMAL "[account default]\n" KEY "[account 1]\n" ROLE("1") "source_account = default\n",
                   "exporter.ini:8: [account 1]: source_account is default, expected the UID of an account; "
                   "the default credentials are used when it is left out");
}

static void assert_circle(const char *text, const char *start)
{
    struct error error;

    write_text(CONFIG, text);
    assert_null(config_load(CONFIG, &error));
    assert_non_null(strstr(error.message, start));
    assert_non_null(strstr(error.message, "lead in a circle"));
}

static void test_source_accounts_do_not_lead_in_a_circle(void **state)
{
    (void)state;
    assert_circle(MINIMAL "[account 1]\n" ROLE("1") "source_account = 1\n", "exporter.ini:5: [account 1]");
    assert_circle(MINIMAL "[account 1]\n" ROLE("1") "source_account = 2\n"
                                                    "[account 2]\n" ROLE("2") "source_account = 1\n",
                  "exporter.ini:5: [account 1]");
    assert_circle(MINIMAL "[account default]\n" ROLE("{uid}") "source_account = 2\n"
                                                              "[account 2]\nrate_limit = 1\n",
                  "[account ");
}

static void test_source_accounts_may_be_a_chain(void **state)
{
    struct config *config = load(
        MINIMAL "[account 1]\n" ROLE("1") "source_account = 2\n"
                                          "[account 2]\n" ROLE("2") "source_account = 3\n[account 3]\n" KEY);

    (void)state;
    config_put(config);
}

static void test_role_needs_somebody_who_assumes_it(void **state)
{
    (void)state;
    assert_refused(
        MINIMAL "[account 1]\n" ROLE("1"),
        "exporter.ini:4: [account 1]: nothing assumes the role, expected access_key_id, ecs_role, "
        "credentials_uri, source_account or oidc_token_file here, a source in [account default], or "
        "ALIBABA_CLOUD_... in the environment");
}

static void test_limits_alone_need_another_source(void **state)
{
    static const char message[] =
        ": no source of credentials, expected access_key_id and access_key_secret, role_arn, ecs_role or "
        "credentials_uri here, a source in [account default], or source = database in [accounts]";
    char expected[320];

    (void)state;
    snprintf(expected, sizeof(expected), "exporter.ini:3: [account 1]%s", message);
    assert_refused(MINIMAL "[account 1]\nrate_limit = 5\n", expected);
    snprintf(expected, sizeof(expected), "exporter.ini:3: [account default]%s", message);
    assert_refused(MINIMAL "[account default]\nrate_limit = 5\n", expected);
}

static void test_limits_alone_do_beside_the_accounts_table(void **state)
{
    struct config *config =
        load(DATABASE "[account 1]\nrate_limit = 5\n[account 2]\n" ROLE("2") "source_account = 9\n");

    (void)state;
    assert_null(config_credential_section(config, "1"));
    assert_int_equal(config->accounts_common.source, ACCOUNTS_SOURCE_DATABASE);
    assert_string_equal(config->accounts_common.encryption_password, "canary");
    config_put(config);
}

static void test_accounts_table_needs_a_database_and_a_password(void **state)
{
    (void)state;
    assert_refused(MINIMAL "[accounts]\nsource = database\nencryption_password = canary\n",
                   "exporter.ini:4: source in [accounts] is database but source in [inventory] is file, "
                   "expected source = mysql there: the accounts are read from that database");
    assert_refused(MYSQL "[accounts]\nsource = database\n",
                   "exporter.ini:6: source in [accounts] is database without 'encryption_password', expected "
                   "it or 'encryption_password_file': what the secrets in aliyun_uids are encrypted with");
}

static void test_own_section_comes_before_the_default_one(void **state)
{
    struct config *config = load(MINIMAL "[account 1]\n" KEY "[account 2]\nrate_limit = 5\n"
                                         "[account default]\necs_role = auto\n");

    (void)state;
    assert_string_equal(config_credential_section(config, "1")->aliyun_uid, "1");
    assert_ptr_equal(config_credential_section(config, "2"), config->default_account);
    assert_ptr_equal(config_credential_section(config, "3"), config->default_account);
    assert_int_equal(config->account_count, 2);
    assert_null(config_account(config, "default"));
    config_put(config);
}

static void test_keys_of_the_default_account_assume_roles(void **state)
{
    struct config *config = load(MINIMAL "[account default]\n" KEY ROLE("{uid}") "[account 1]\n" ROLE("1"));

    (void)state;
    assert_ptr_equal(config_default_caller(config), config->default_account);
    config_put(config);
}

static void test_environment_serves_what_is_configured_nowhere(void **state)
{
    struct config *config;

    (void)state;
    set("ACCESS_KEY_ID", "id");
    set("ACCESS_KEY_SECRET", "canary");
    config = load(MINIMAL);
    assert_string_equal(config_credential_section(config, "1")->access_key_secret, "canary");
    config_put(config);
    config = load(MINIMAL ACCOUNT);
    assert_null(config_credential_section(config, "1"));
    config_put(config);
    config = load(DATABASE);
    assert_null(config_credential_section(config, "1"));
    config_put(config);
}

static void test_environment_assumes_roles_without_a_default_account(void **state)
{
    struct config *config;

    (void)state;
    set("ECS_METADATA", "role");
    config = load(MINIMAL "[account 1]\n" ROLE("1"));
    assert_ptr_equal(config_default_caller(config), config->environment_account);
    config_put(config);
}

static struct config *load_environment(enum credential_kind kind)
{
    struct config *config = load(MINIMAL);

    if (kind == CREDENTIAL_NONE) {
        assert_null(config->environment_account);
    } else {
        assert_non_null(config->environment_account);
        assert_int_equal(account_kind(config->environment_account), kind);
    }
    return config;
}

static void set_oidc(void)
{
    set("ROLE_ARN", "acs:ram::1:role/r");
    set("OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p");
    set("OIDC_TOKEN_FILE", "/token");
}

static void test_empty_environment_names_nothing(void **state)
{
    (void)state;
    config_put(load_environment(CREDENTIAL_NONE));
    set("ACCESS_KEY_ID", "id");
    set("ACCESS_KEY_SECRET", "");
    config_put(load_environment(CREDENTIAL_NONE));
}

static void test_key_of_the_environment_comes_first(void **state)
{
    (void)state;
    set("ACCESS_KEY_ID", "id");
    set("ACCESS_KEY_SECRET", "canary");
    set_oidc();
    set("ECS_METADATA", "role");
    config_put(load_environment(CREDENTIAL_STATIC));
}

static void test_key_of_the_environment_assumes_its_role(void **state)
{
    struct config *config;

    (void)state;
    set("ACCESS_KEY_ID", "id");
    set("ACCESS_KEY_SECRET", "canary");
    set("ROLE_ARN", "acs:ram::1:role/r");
    set("ROLE_SESSION_NAME", "name");
    config = load_environment(CREDENTIAL_ROLE);
    assert_int_equal(account_caller_kind(config->environment_account), CREDENTIAL_STATIC);
    assert_string_equal(config->environment_account->role_session_name, "name");
    config_put(config);
}

static void test_oidc_of_the_environment_comes_second(void **state)
{
    struct config *config;

    (void)state;
    set_oidc();
    set("ECS_METADATA", "role");
    config = load_environment(CREDENTIAL_OIDC_ROLE);
    assert_string_equal(config->environment_account->oidc_token_file, "/token");
    assert_string_equal(config->environment_account->role_session_name, "mysql-session-exporter");
    config_put(config);
}

static void test_metadata_of_the_environment_can_be_switched_off(void **state)
{
    (void)state;
    set("ECS_METADATA", "role");
    set("CREDENTIALS_URI", "http://127.0.0.1/c");
    config_put(load_environment(CREDENTIAL_ECS_ROLE));
    set("ECS_METADATA_DISABLED", "true");
    config_put(load_environment(CREDENTIAL_URI));
}

static void test_environment_can_forbid_the_normal_mode_of_the_metadata_service(void **state)
{
    struct config *config;

    (void)state;
    set("IMDSV1_DISABLED", "true");
    config = load(MINIMAL);
    assert_false(config->accounts_common.metadata_without_token);
    config_put(config);
    config = load(MINIMAL "[accounts]\nmetadata_without_token = yes\n");
    assert_true(config->accounts_common.metadata_without_token);
    config_put(config);
}

static void test_uri_and_passwords_are_secret_in_dumps(void **state)
{
    struct config *config = load(DATABASE "[account default]\ncredentials_uri = http://127.0.0.1/canary\n");
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 0);
    config_dump(config, &out);
    assert_null(strstr(strbuf_text(&out), "canary"));
    assert_non_null(strstr(strbuf_text(&out), "account default.credentials_uri=***\n"));
    assert_non_null(strstr(strbuf_text(&out), "accounts.encryption_password=***\n"));
    strbuf_release(&out);
    config_put(config);
}

static void assert_open(const char *text, bool open)
{
    struct error error;
    struct config *config;

    write_text(CONFIG, text);
    assert_int_equal(chmod(CONFIG, 0644), 0);
    config = config_load(CONFIG, &error);
    assert_non_null(config);
    assert_int_equal(config->secrets_open_to_everybody, open);
    config_put(config);
}

static void test_secrets_in_a_file_for_everybody_are_noticed(void **state)
{
    struct config *config = load(MINIMAL ACCOUNT);

    (void)state;
    assert_false(config->secrets_open_to_everybody);
    config_put(config);
    assert_open(MINIMAL ACCOUNT, true);
    assert_open(MINIMAL, false);
    setenv("TEST_CONFIG_SECRET", "canary", 1);
    assert_open(MINIMAL "[account 1]\naccess_key_id = id\naccess_key_secret = ${TEST_CONFIG_SECRET}\n",
                false);
}

#define ACCOUNTS_TEST(test) cmocka_unit_test_setup(test, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNTS_TEST(test_keys_of_a_section_name_its_source),
        ACCOUNTS_TEST(test_every_kind_has_a_name),
        ACCOUNTS_TEST(test_keys_of_a_role_have_defaults),
        ACCOUNTS_TEST(test_path_of_a_key_stays_beside_it),
        ACCOUNTS_TEST(test_clashing_keys_are_named),
        ACCOUNTS_TEST(test_keys_that_need_another_are_refused_without_it),
        ACCOUNTS_TEST(test_role_arn_has_a_form),
        ACCOUNTS_TEST(test_oidc_provider_arn_has_a_form),
        ACCOUNTS_TEST(test_placeholder_is_for_the_default_account),
        ACCOUNTS_TEST(test_source_account_is_another_section),
        ACCOUNTS_TEST(test_source_accounts_do_not_lead_in_a_circle),
        ACCOUNTS_TEST(test_source_accounts_may_be_a_chain),
        ACCOUNTS_TEST(test_role_needs_somebody_who_assumes_it),
        ACCOUNTS_TEST(test_limits_alone_need_another_source),
        ACCOUNTS_TEST(test_limits_alone_do_beside_the_accounts_table),
        ACCOUNTS_TEST(test_accounts_table_needs_a_database_and_a_password),
        ACCOUNTS_TEST(test_own_section_comes_before_the_default_one),
        ACCOUNTS_TEST(test_keys_of_the_default_account_assume_roles),
        ACCOUNTS_TEST(test_environment_serves_what_is_configured_nowhere),
        ACCOUNTS_TEST(test_environment_assumes_roles_without_a_default_account),
        ACCOUNTS_TEST(test_empty_environment_names_nothing),
        ACCOUNTS_TEST(test_key_of_the_environment_comes_first),
        ACCOUNTS_TEST(test_key_of_the_environment_assumes_its_role),
        ACCOUNTS_TEST(test_oidc_of_the_environment_comes_second),
        ACCOUNTS_TEST(test_metadata_of_the_environment_can_be_switched_off),
        ACCOUNTS_TEST(test_environment_can_forbid_the_normal_mode_of_the_metadata_service),
        ACCOUNTS_TEST(test_uri_and_passwords_are_secret_in_dumps),
        ACCOUNTS_TEST(test_secrets_in_a_file_for_everybody_are_noticed),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
