#include "das/keyring/key_entry.h"

#include <stdlib.h>
#include <string.h>

/* Longer lives are not worth a distinction, and their nanoseconds stay far from the end of int64_t. */
#define LIFE_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

struct key_entry *key_entry_new(struct key_name name, struct key_source *source)
{
    struct key_entry *entry = source != NULL ? calloc(1, sizeof(*entry)) : NULL;

    if (entry == NULL) {
        key_source_put(source);
        return NULL;
    }
    refcount_init(&entry->refs);
    list_init(&entry->dependents);
    entry->source = source;
    entry->is_hidden = name.is_hidden;
    entry->name = strdup(name.text);
    if (entry->name != NULL)
        return entry;
    key_entry_put(entry);
    return NULL;
}

struct key_entry *key_entry_get(struct key_entry *entry)
{
    refcount_get(&entry->refs);
    return entry;
}

void key_entry_put(struct key_entry *entry)
{
    if (entry == NULL || !refcount_put(&entry->refs))
        return;
    credentials_put(entry->credentials);
    key_source_put(entry->source);
    free(entry->name);
    free(entry);
}

struct key_name key_entry_name(const struct key_entry *entry)
{
    return (struct key_name){entry->name, entry->is_hidden};
}

/* Who finds an account without credentials wants to know since when. */
static void say_since(const struct key_entry *entry, struct error *error)
{
    const struct error plain = *error;
    char expiry[CLOCK_ISO_SIZE];

    clock_format_iso(entry->expired_unix_ms, expiry);
    error_set(error, plain.class, "expired %s; %s", expiry, plain.message);
    memcpy(error->code, plain.code, sizeof(error->code));
    memcpy(error->request_id, plain.request_id, sizeof(error->request_id));
}

static void set_error(struct key_entry *entry, const struct error *plain, struct key_news *news)
{
    struct error error = *plain;

    if (entry->expired_unix_ms != 0 && error.class != ERROR_NONE)
        say_since(entry, &error);
    if (entry->error.class != error.class || strcmp(entry->error.message, error.message) != 0)
        news->changed = true;
    entry->error = error;
}

static void clear_error(struct key_entry *entry, struct key_news *news)
{
    struct error none;

    error_clear(&none);
    set_error(entry, &none, news);
}

static void answer(struct key_entry *entry, struct key_news *news)
{
    news->changed = news->changed || entry->owes_answer;
    entry->owes_answer = false;
}

/* Takes the reference over. */
static void replace(struct key_entry *entry, struct credentials *credentials, int64_t expiry_unix_ms,
                    struct key_news *news)
{
    credentials_put(entry->credentials);
    entry->credentials = credentials;
    entry->expiry_unix_ms = expiry_unix_ms;
    entry->expired_unix_ms = 0;
    entry->is_refused = false;
    news->changed = true;
    news->replaced = true;
}

static void drop(struct key_entry *entry, struct key_news *news)
{
    entry->renewal.expires = CLOCK_NEVER;
    if (entry->credentials != NULL)
        replace(entry, NULL, 0, news);
}

static void drop_expired(struct key_entry *entry, int64_t now, struct key_news *news)
{
    const int64_t expiry_unix_ms = entry->expiry_unix_ms;
    struct error why = entry->error;

    if (!renewal_expired(&entry->renewal, now))
        return;
    drop(entry, news);
    entry->expired_unix_ms = expiry_unix_ms;
    if (why.class == ERROR_NONE)
        error_set(&why, ERROR_TRANSIENT, "newer credentials are still being fetched");
    set_error(entry, &why, news);
    news->event = KEY_EXPIRED;
    if (!entry->is_busy && !entry->is_waiting)
        renewal_hasten(&entry->renewal, now); /* without any, a long back-off is for nothing */
}

static bool same_content(const struct credentials *a, const struct credentials *b)
{
    return a == b || (a != NULL && strcmp(a->access_key_id, b->access_key_id) == 0 &&
                      strcmp(a->access_key_secret, b->access_key_secret) == 0 &&
                      strcmp(a->security_token, b->security_token) == 0);
}

static void schedule_fixed(struct key_entry *entry, const struct key_moment *at)
{
    entry->renewal.expires = CLOCK_NEVER;
    if (key_source_has_files(entry->source))
        renewal_read(&entry->renewal, at->random, at->now);
    else
        renewal_settle(&entry->renewal);
}

/* A source of which nothing is known yet. */
static void take_source(struct key_entry *entry, const struct key_moment *at, struct key_news *news)
{
    struct credentials *fixed = entry->source->fixed;

    entry->renewal.due = at->now;
    entry->renewal.backoff = 0;
    entry->is_waiting = false;
    entry->is_refused = false;
    entry->is_caller_asked = false;
    entry->expired_unix_ms = 0;
    entry->complaint = (struct complaint){.kind = 0};
    clear_error(entry, news);
    if (fixed != NULL && !same_content(entry->credentials, fixed))
        replace(entry, credentials_get(fixed), 0, news);
    if (fixed != NULL) {
        entry->expiry_unix_ms = 0;
        schedule_fixed(entry, at);
    } else if (entry->source->awaits_table) {
        renewal_wait(&entry->renewal); /* what is held serves until it is known */
    } else if (entry->source->kind == CREDENTIAL_NONE) {
        drop(entry, news);
        renewal_settle(&entry->renewal);
    }
}

void key_entry_settle(struct key_entry *entry, const struct key_moment *at)
{
    struct key_news news = {0};

    renewal_init(&entry->renewal, at->now);
    take_source(entry, at, &news);
}

void key_entry_exchange(struct key_entry *entry, struct key_entry *other, const struct key_moment *at,
                        struct key_news *news)
{
    struct key_source *before = entry->source;

    entry->source = other->source;
    other->source = before;
    if (key_source_same(before, entry->source))
        return;
    entry->revision++;
    news->changed = news->changed || before->kind != entry->source->kind ||
                    before->awaits_table != entry->source->awaits_table;
    take_source(entry, at, news);
}

bool key_entry_can_fetch(const struct key_entry *entry, int64_t now)
{
    return entry->renewal.due <= now && (!key_source_needs_caller(entry->source) ||
                                         (entry->caller != NULL && entry->caller->credentials != NULL &&
                                          !renewal_expired(&entry->caller->renewal, now)));
}

/* The failure has to be told to people, once for each kind of it. */
static void complain(struct key_entry *entry, int64_t now, struct key_news *news)
{
    if (complaint_raise(&entry->complaint, (int)entry->error.class, now, &news->repeats))
        news->event = KEY_FAILED;
}

static void fail(struct key_entry *entry, const struct error *error, const struct key_moment *at,
                 struct key_news *news)
{
    set_error(entry, error, news);
    if (key_source_has_files(entry->source))
        renewal_read(&entry->renewal, at->random, at->now);
    else
        renewal_fail(&entry->renewal, error->class, at->random, at->now);
    complain(entry, at->now, news);
}

static const struct error *callers_error(const struct key_entry *entry)
{
    return &entry->caller->error;
}

/* The caller has no credentials. While its first fetch goes on, that is no failure. */
static void wait_for_caller(struct key_entry *entry, const struct key_moment *at, struct key_news *news)
{
    struct error error;

    if (entry->caller == NULL && entry->source->caller != NULL) {
        error_set(
            &error, ERROR_CREDENTIALS,
            "nothing assumes the role %.120s: source_account leads in a circle, or over too many others; "
            "expected an account at its end that has keys of its own",
            entry->source->role_arn != NULL ? entry->source->role_arn : "");
        fail(entry, &error, at, news);
        return;
    }
    if (entry->caller == NULL ||
        (entry->caller->source->kind == CREDENTIAL_NONE && !entry->caller->source->awaits_table)) {
        error_set(
            &error, ERROR_CREDENTIALS,
            "nothing assumes the role %.120s: expected keys, ecs_role or credentials_uri beside role_arn, a "
            "source_account that has credentials, or [account default]",
            entry->source->role_arn != NULL ? entry->source->role_arn : "");
        fail(entry, &error, at, news);
        return;
    }
    entry->is_waiting = true;
    renewal_wait(&entry->renewal);
    if (callers_error(entry)->class == ERROR_NONE)
        return;
    error_set(&error, callers_error(entry)->class, "waits for %s%s: %s",
              entry->caller->is_hidden ? "" : "the credentials of the account ", entry->caller->name,
              callers_error(entry)->message);
    set_error(entry, &error, news);
    answer(entry, news);
}

bool key_entry_begin(struct key_entry *entry, const struct key_moment *at, struct key_news *news)
{
    bool is_due = entry->renewal.due <= at->now;

    drop_expired(entry, at->now, news);
    if (!is_due)
        return false;
    if (!key_entry_can_fetch(entry, at->now)) {
        wait_for_caller(entry, at, news);
        return false;
    }
    entry->is_waiting = false;
    renewal_start(&entry->renewal, at->now);
    return true;
}

static void fail_expired(struct key_entry *entry, int64_t expiry_unix_ms, const struct key_moment *at,
                         struct key_news *news)
{
    char place[KEY_SOURCE_PLACE_SIZE], expiry[CLOCK_ISO_SIZE];
    struct error error;

    clock_format_iso(expiry_unix_ms, expiry);
    error_set(&error, ERROR_CLOCK_SKEW,
              "the credentials from %s came with the expiry %s, which has passed: is the clock of this "
              "machine right?",
              key_source_place(entry->source, place), expiry);
    fail(entry, &error, at, news);
}

static void fail_refused(struct key_entry *entry, const struct key_moment *at, struct key_news *news)
{
    char place[KEY_SOURCE_PLACE_SIZE];
    struct error error;

    error_set(&error, ERROR_CREDENTIALS,
              "refused by the server as expired, and %s still gives the same credentials; renew them there",
              key_source_place(entry->source, place));
    fail(entry, &error, at, news);
}

static int64_t life_of(int64_t expiry_unix_ms, int64_t unix_ms)
{
    int64_t life_ms = expiry_unix_ms - unix_ms;

    return (life_ms < LIFE_MAX_MS ? life_ms : LIFE_MAX_MS) * NS_PER_MS;
}

static void accept(struct key_entry *entry, struct issued_credentials *issued, const struct key_moment *at,
                   struct key_news *news)
{
    bool had_some = entry->credentials != NULL;

    if (!same_content(entry->credentials, issued->credentials)) {
        replace(entry, credentials_get(issued->credentials), issued->expiry_unix_ms, news);
        news->event = had_some ? KEY_RENEWED : KEY_OBTAINED;
    }
    entry->expiry_unix_ms = issued->expiry_unix_ms;
    entry->is_caller_asked = false;
    clear_error(entry, news);
    if (complaint_settle(&entry->complaint, &news->repeats))
        news->event = KEY_MENDED;
    if (issued->expiry_unix_ms == 0)
        schedule_fixed(entry, at);
    else
        renewal_issued(&entry->renewal, life_of(issued->expiry_unix_ms, at->unix_ms), at->random, at->now);
}

/* STS refused the caller's credentials: once, this waits for the caller to renew them. */
static bool asks_caller(struct key_entry *entry, const struct error *error,
                        const struct credentials *caller_used, const struct key_moment *at,
                        struct key_news *news)
{
    if (error->class != ERROR_TOKEN_EXPIRED || entry->is_caller_asked || entry->caller == NULL)
        return false;
    entry->is_caller_asked = true;
    if (entry->caller->credentials == caller_used) {
        entry->is_waiting = true;
        renewal_wait(&entry->renewal);
        news->caller_refused = true;
    } else {
        entry->renewal.due = at->now; /* renewed meanwhile */
    }
    return true;
}

void key_entry_end(struct key_entry *entry, struct issued_credentials *issued, const struct error *error,
                   const struct credentials *caller_used, const struct key_moment *at, struct key_news *news)
{
    bool has_expired = issued->expiry_unix_ms != 0 && issued->expiry_unix_ms <= at->unix_ms;

    if (issued->credentials == NULL && asks_caller(entry, error, caller_used, at, news))
        goto out;
    answer(entry, news);
    if (issued->credentials == NULL) {
        entry->is_caller_asked = false;
        fail(entry, error, at, news);
    } else if (has_expired) {
        fail_expired(entry, issued->expiry_unix_ms, at, news);
    } else if (entry->is_refused && same_content(entry->credentials, issued->credentials)) {
        fail_refused(entry, at, news);
    } else {
        accept(entry, issued, at, news);
    }

out:
    drop_expired(entry, at->now, news);
    issued_credentials_release(issued);
}

void key_entry_wake(struct key_entry *entry, bool replaced, int64_t now)
{
    if (entry->is_busy || !(entry->is_waiting || (replaced && entry->error.class != ERROR_NONE)))
        return;
    entry->is_waiting = false;
    entry->renewal.due = now;
}

void key_entry_retry(struct key_entry *entry, int64_t now)
{
    if (entry->error.class != ERROR_NONE && !entry->is_busy && !entry->is_waiting)
        renewal_hasten(&entry->renewal, now);
}

bool key_entry_refuse(struct key_entry *entry, const struct credentials *refused, int64_t now)
{
    if (entry->credentials != refused || refused == NULL)
        return false;
    entry->is_refused = true;
    entry->owes_answer = true;
    if (!entry->is_busy && !entry->is_waiting)
        renewal_hasten(&entry->renewal, now);
    return true;
}
