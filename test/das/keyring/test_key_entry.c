/* What becomes of an entry of the keyring, with a clock of the test's own and no threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "das/keyring/key_entry.h"

#define START   (1000 * NS_PER_SECOND)
#define UNIX_MS INT64_C(1700000000000)
#define LIFE_MS 3600000

static struct config config;
static struct account_config section = {
    .aliyun_uid = "1000000000000001",
    .access_key_id = "TestAk",
    .access_key_id_file = "",
    .access_key_secret = "TestSecret",
    .access_key_secret_file = "",
    .security_token = "",
    .security_token_file = "",
    .role_arn = "acs:ram::{uid}:role/x",
    .role_session_name = "test",
    .external_id = "",
    .policy = "",
    .sts_endpoint = "",
    .source_account = "",
    .ecs_role = "",
    .oidc_provider_arn = "",
    .oidc_token_file = "",
    .credentials_uri = "",
};

struct fixture {
    struct key_entry *keys; /* static, hidden: the caller */
    struct key_entry *role;
    struct key_moment at;
    struct key_news news;
};

static struct fixture fixture;

static struct key_entry *make(const char *name, enum credential_kind kind)
{
    struct key_source *source = key_source_new(&config, &section, kind, section.aliyun_uid);
    struct key_entry *entry = key_entry_new((struct key_name){name, kind == CREDENTIAL_STATIC}, source);

    assert_non_null(entry);
    key_entry_settle(entry, &fixture.at);
    return entry;
}

static int setup(void **state)
{
    (void)state;
    refcount_init(&config.refs);
    config.accounts_common.sts_endpoint = "";
    section.access_key_secret_file = "";
    fixture.at = (struct key_moment){START, UNIX_MS, 0};
    fixture.news = (struct key_news){0};
    fixture.keys = make("the keys", CREDENTIAL_STATIC);
    fixture.role = make(section.aliyun_uid, CREDENTIAL_ROLE);
    fixture.role->caller = fixture.keys;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    key_entry_put(fixture.keys);
    key_entry_put(fixture.role);
    return 0;
}

static void pass(int64_t seconds)
{
    fixture.at.now += seconds * NS_PER_SECOND;
    fixture.at.unix_ms += seconds * 1000;
}

static bool begin(struct key_entry *entry)
{
    fixture.news = (struct key_news){0};
    return key_entry_begin(entry, &fixture.at, &fixture.news);
}

static void end_issued(struct key_entry *entry, const char *secret, int64_t life_ms)
{
    struct issued_credentials issued = {credentials_new("Id", secret, "Token"), fixture.at.unix_ms + life_ms};

    fixture.news = (struct key_news){0};
    key_entry_end(entry, &issued, NULL, NULL, &fixture.at, &fixture.news);
    assert_null(issued.credentials);
}

static void end_failed(struct key_entry *entry, enum error_class class, const struct credentials *caller)
{
    struct issued_credentials issued = {NULL, 0};
    struct error error;

    error_set(&error, class, "why");
    fixture.news = (struct key_news){0};
    key_entry_end(entry, &issued, &error, caller, &fixture.at, &fixture.news);
}

/* The role has credentials that live for an hour. */
static void obtain(void)
{
    assert_true(begin(fixture.role));
    end_issued(fixture.role, "one", LIFE_MS);
}

static void assert_says(const struct key_entry *entry, enum error_class class, const char *part)
{
    if (entry->error.class != class || strstr(entry->error.message, part) == NULL)
        fail_msg("%s: %s", error_class_name(entry->error.class), entry->error.message);
}

static void test_values_of_the_configuration_are_there_at_once(void **state)
{
    (void)state;
    assert_string_equal(fixture.keys->credentials->access_key_id, "TestAk");
    assert_true(renewal_next(&fixture.keys->renewal) == CLOCK_NEVER);
}

static void test_uid_is_replaced_in_the_role(void **state)
{
    (void)state;
    assert_string_equal(fixture.role->source->role_arn, "acs:ram::1000000000000001:role/x");
}

static void test_issued_credentials_are_in_force_and_told(void **state)
{
    (void)state;
    obtain();
    assert_true(fixture.news.changed && fixture.news.event == KEY_OBTAINED);
    assert_true(fixture.role->expiry_unix_ms == UNIX_MS + LIFE_MS);
}

static void test_the_same_content_keeps_its_pointer(void **state)
{
    const struct credentials *before;

    (void)state;
    obtain();
    before = fixture.role->credentials;
    pass(3000);
    assert_true(begin(fixture.role));
    end_issued(fixture.role, "one", 600000);
    assert_ptr_equal(fixture.role->credentials, before);
    assert_false(fixture.news.changed);
    assert_true(fixture.role->renewal.expires == fixture.at.now + 600 * NS_PER_SECOND);
}

static void test_old_ones_serve_while_they_are_valid(void **state)
{
    (void)state;
    obtain();
    pass(3000);
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_TRANSIENT, NULL);
    assert_string_equal(fixture.role->credentials->access_key_secret, "one");
    assert_says(fixture.role, ERROR_TRANSIENT, "why");
    assert_true(fixture.news.changed && fixture.news.event == KEY_FAILED);
}

static void test_expired_ones_are_dropped_and_the_error_stays(void **state)
{
    (void)state;
    obtain();
    pass(3000);
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_CREDENTIALS, NULL);
    pass(600);
    begin(fixture.role);
    assert_null(fixture.role->credentials);
    assert_true(fixture.news.changed && fixture.role->expiry_unix_ms == 0);
    assert_says(fixture.role, ERROR_CREDENTIALS, "why");
    assert_says(fixture.role, ERROR_CREDENTIALS, "expired 2023-11-14T23:13:20Z");
    assert_int_equal(fixture.news.event, KEY_EXPIRED);
    end_failed(fixture.role, ERROR_TRANSIENT, NULL);
    assert_says(fixture.role, ERROR_TRANSIENT, "expired 2023-11-14T23:13:20Z; why");
    end_issued(fixture.role, "two", LIFE_MS);
    assert_int_equal(fixture.role->error.class, ERROR_NONE);
}

static void test_expired_ones_are_fetched_at_once_whatever_the_back_off_was(void **state)
{
    (void)state;
    obtain();
    pass(3000);
    for (int i = 0; i < 5; i++) {
        fixture.role->renewal.due = fixture.at.now;
        assert_true(begin(fixture.role));
        end_failed(fixture.role, ERROR_CREDENTIALS, NULL);
    }
    pass(599);
    assert_true(fixture.role->renewal.due > fixture.at.now + NS_PER_SECOND);
    pass(1);
    assert_false(begin(fixture.role)); /* first it queues with all others */
    assert_true(begin(fixture.role));
}

static void test_credentials_that_expire_while_a_fetch_hangs_are_dropped(void **state)
{
    (void)state;
    obtain();
    pass(3599);
    assert_true(begin(fixture.role));
    pass(10);
    end_failed(fixture.role, ERROR_TRANSIENT, NULL);
    assert_null(fixture.role->credentials);
    assert_true(fixture.news.changed);
}

static void test_credentials_that_arrive_expired_point_at_the_clock(void **state)
{
    (void)state;
    assert_true(begin(fixture.role));
    end_issued(fixture.role, "one", -1000);
    assert_null(fixture.role->credentials);
    assert_says(fixture.role, ERROR_CLOCK_SKEW, "clock");
}

static void test_a_failure_is_said_once_and_its_end_too(void **state)
{
    (void)state;
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_TRANSIENT, NULL);
    assert_true(fixture.news.event == KEY_FAILED);
    pass(1);
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_TRANSIENT, NULL);
    assert_true(fixture.news.event == KEY_QUIET && !fixture.news.changed);
    pass(2);
    assert_true(begin(fixture.role));
    end_issued(fixture.role, "one", LIFE_MS);
    assert_true(fixture.news.event == KEY_MENDED && fixture.news.repeats == 1);
    assert_int_equal(fixture.role->error.class, ERROR_NONE);
}

static void drop_caller_credentials(enum error_class class)
{
    credentials_put(fixture.keys->credentials);
    fixture.keys->credentials = NULL;
    error_set(&fixture.keys->error, class, "no metadata");
}

static void test_a_role_waits_for_its_caller_and_says_so(void **state)
{
    (void)state;
    drop_caller_credentials(ERROR_TRANSIENT);
    assert_false(begin(fixture.role));
    assert_says(fixture.role, ERROR_TRANSIENT, "waits for the keys: no metadata");
    assert_true(fixture.news.event == KEY_QUIET); /* the caller's failure has been said */
    assert_true(renewal_next(&fixture.role->renewal) == CLOCK_NEVER);
}

static void test_a_waiting_role_is_due_when_the_caller_has_news(void **state)
{
    (void)state;
    drop_caller_credentials(ERROR_TRANSIENT);
    assert_false(begin(fixture.role));
    pass(5);
    key_entry_wake(fixture.role, true, fixture.at.now);
    assert_true(renewal_next(&fixture.role->renewal) == fixture.at.now);
}

static void test_a_role_with_credentials_is_not_woken(void **state)
{
    (void)state;
    obtain();
    key_entry_wake(fixture.role, true, fixture.at.now);
    assert_true(renewal_next(&fixture.role->renewal) > fixture.at.now);
}

static void test_a_role_without_any_caller_is_told_what_to_set(void **state)
{
    (void)state;
    fixture.role->caller = NULL;
    assert_false(begin(fixture.role));
    assert_says(fixture.role, ERROR_CREDENTIALS, "source_account");
}

static void test_an_expired_caller_is_renewed_once(void **state)
{
    (void)state;
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_TOKEN_EXPIRED, fixture.keys->credentials);
    assert_true(fixture.news.caller_refused && fixture.role->is_waiting && !fixture.news.changed);
    pass(1);
    key_entry_wake(fixture.role, false, fixture.at.now);
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_TOKEN_EXPIRED, fixture.keys->credentials);
    assert_false(fixture.news.caller_refused);
    assert_says(fixture.role, ERROR_TOKEN_EXPIRED, "why");
    assert_true(renewal_next(&fixture.role->renewal) > fixture.at.now + 40 * NS_PER_SECOND);
}

static void test_a_caller_renewed_meanwhile_is_used_at_once(void **state)
{
    struct credentials *other = credentials_new("a", "b", "c");

    (void)state;
    assert_true(begin(fixture.role));
    end_failed(fixture.role, ERROR_TOKEN_EXPIRED, other);
    assert_false(fixture.news.caller_refused);
    assert_true(renewal_next(&fixture.role->renewal) == fixture.at.now);
    credentials_put(other);
}

static void test_refused_ones_are_fetched_at_once(void **state)
{
    (void)state;
    obtain();
    pass(60);
    assert_true(key_entry_refuse(fixture.role, fixture.role->credentials, fixture.at.now));
    assert_true(renewal_next(&fixture.role->renewal) == fixture.at.now);
    assert_true(begin(fixture.role));
    end_issued(fixture.role, "two", LIFE_MS);
    assert_true(fixture.news.changed && fixture.news.event == KEY_RENEWED);
    assert_int_equal(fixture.role->error.class, ERROR_NONE);
}

static void test_ones_not_in_force_are_not_fetched_when_refused(void **state)
{
    struct credentials *old = credentials_new("a", "b", "c");

    (void)state;
    obtain();
    assert_false(key_entry_refuse(fixture.role, old, fixture.at.now));
    assert_true(renewal_next(&fixture.role->renewal) > fixture.at.now);
    credentials_put(old);
}

static void test_the_same_again_after_a_refusal_is_an_error(void **state)
{
    const struct credentials *before = fixture.keys->credentials;
    struct issued_credentials same = {credentials_new("TestAk", "TestSecret", ""), 0};

    (void)state;
    assert_true(key_entry_refuse(fixture.keys, before, fixture.at.now));
    assert_true(begin(fixture.keys));
    key_entry_end(fixture.keys, &same, NULL, NULL, &fixture.at, &fixture.news);
    assert_ptr_equal(fixture.keys->credentials, before);
    assert_true(fixture.news.changed);
    assert_says(fixture.keys, ERROR_CREDENTIALS, "[account 1000000000000001] still gives the same");
}

static void test_a_refusal_is_answered_though_nothing_changed(void **state)
{
    (void)state;
    obtain();
    for (int i = 0; i < 2; i++) {
        pass(60);
        assert_true(key_entry_refuse(fixture.role, fixture.role->credentials, fixture.at.now));
        assert_true(begin(fixture.role));
        end_failed(fixture.role, ERROR_TRANSIENT, NULL);
        assert_true(fixture.news.changed);
    }
}

static void test_another_source_is_asked_while_the_old_credentials_serve(void **state)
{
    struct key_entry *other;

    (void)state;
    obtain();
    section.role_arn = "acs:ram::{uid}:role/y";
    other = make(section.aliyun_uid, CREDENTIAL_ROLE);
    section.role_arn = "acs:ram::{uid}:role/x";
    key_entry_exchange(fixture.role, other, &fixture.at, &fixture.news);
    assert_string_equal(fixture.role->credentials->access_key_secret, "one");
    assert_true(renewal_next(&fixture.role->renewal) == fixture.at.now);
    assert_int_equal(fixture.role->revision, 1);
    key_entry_put(other);
}

static void test_the_same_source_changes_nothing(void **state)
{
    struct key_entry *other;
    int64_t due;

    (void)state;
    obtain();
    due = fixture.role->renewal.due;
    other = make(section.aliyun_uid, CREDENTIAL_ROLE);
    fixture.news = (struct key_news){0};
    key_entry_exchange(fixture.role, other, &fixture.at, &fixture.news);
    assert_true(fixture.role->renewal.due == due && !fixture.news.changed);
    key_entry_put(other);
}

static void test_a_file_that_cannot_be_read_leaves_the_old_ones(void **state)
{
    struct key_entry *entry;

    (void)state;
    section.access_key_secret_file = "/nowhere";
    entry = make(section.aliyun_uid, CREDENTIAL_STATIC);
    pass(10);
    assert_true(begin(entry));
    end_failed(entry, ERROR_CREDENTIALS, NULL);
    assert_string_equal(entry->credentials->access_key_secret, "TestSecret");
    assert_true(renewal_next(&entry->renewal) <= fixture.at.now + 10 * NS_PER_SECOND);
    key_entry_put(entry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_of_the_configuration_are_there_at_once),
        TEST(test_uid_is_replaced_in_the_role),
        TEST(test_issued_credentials_are_in_force_and_told),
        TEST(test_the_same_content_keeps_its_pointer),
        TEST(test_old_ones_serve_while_they_are_valid),
        TEST(test_expired_ones_are_dropped_and_the_error_stays),
        TEST(test_expired_ones_are_fetched_at_once_whatever_the_back_off_was),
        TEST(test_credentials_that_expire_while_a_fetch_hangs_are_dropped),
        TEST(test_credentials_that_arrive_expired_point_at_the_clock),
        TEST(test_a_failure_is_said_once_and_its_end_too),
        TEST(test_a_role_waits_for_its_caller_and_says_so),
        TEST(test_a_waiting_role_is_due_when_the_caller_has_news),
        TEST(test_a_role_with_credentials_is_not_woken),
        TEST(test_a_role_without_any_caller_is_told_what_to_set),
        TEST(test_an_expired_caller_is_renewed_once),
        TEST(test_a_caller_renewed_meanwhile_is_used_at_once),
        TEST(test_refused_ones_are_fetched_at_once),
        TEST(test_ones_not_in_force_are_not_fetched_when_refused),
        TEST(test_the_same_again_after_a_refusal_is_an_error),
        TEST(test_a_refusal_is_answered_though_nothing_changed),
        TEST(test_another_source_is_asked_while_the_old_credentials_serve),
        TEST(test_the_same_source_changes_nothing),
        TEST(test_a_file_that_cannot_be_read_leaves_the_old_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
