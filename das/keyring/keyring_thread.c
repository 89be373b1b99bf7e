/*
 * Entries wait in one of three heaps for the time at which there is something to do: those that need no
 * request, those that do, and those whose last request failed. A thread takes the earliest, lets go of
 * the lock, fetches, and writes the result down under the lock again. Requests pass the limiter; at most half
 * of the threads repeat what failed, so that sources that hang leave the other half to the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "das/keyring/key_fetch.h"
#include "das/keyring/keyring_state.h"

#define RETRIES_MAX (KEYRING_THREADS / 2)
#define TIMEOUT_MAX (10 * NS_PER_SECOND) /* of one request, whatever [das] timeout is */

/* One fetch on its way: made ready under the lock, made without it, written down under it. */
struct fetch {
    struct key_entry *entry; /* one reference, as the others */
    struct key_source *source;
    struct config *config;
    struct credentials *caller; /* NULL: none needed */
    struct credentials *held;   /* NULL: none */
    unsigned revision;
    struct issued_credentials issued;
    struct error error;
    struct key_news news;
};

/* What is said of an entry after a transition, copied so that it needs no lock. */
struct report {
    struct key_news news;
    enum credential_kind kind;
    int64_t expiry_unix_ms;
    struct error error;
};

static struct report report_of(const struct key_entry *entry, const struct key_news *news)
{
    return (struct report){*news, entry->source->kind, entry->expiry_unix_ms, entry->error};
}

static void log_report(const struct key_entry *entry, const struct report *report)
{
    const bool is_temporary = report->expiry_unix_ms != 0;
    const char *name_key = entry->is_hidden ? "source" : "aliyun_uid";
    const char *kind = credential_kind_name(report->kind);
    char expiry[CLOCK_ISO_SIZE] = "never";
    const struct log_field fields[] = {log_text(name_key, entry->name), log_text("kind", kind),
                                       log_text("expires", expiry)};

    if (is_temporary)
        clock_format_iso(report->expiry_unix_ms, expiry);
    switch (report->news.event) {
    case KEY_OBTAINED: /* what does not expire is no news when it comes, but when it changes */
        log_write(is_temporary ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "credentials obtained", fields, 3);
        break;
    case KEY_RENEWED:
        log_write(is_temporary ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "credentials replaced", fields, 3);
        break;
    case KEY_MENDED:
        log_info("credentials work again", fields[0], fields[1], fields[2],
                 log_int("repeats", (int64_t)report->news.repeats));
        break;
    case KEY_FAILED:
        log_failure(renewal_failure_lasts(report->error.class) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
                    "no new credentials", &report->error, fields[0], fields[1],
                    log_int("repeats", (int64_t)report->news.repeats));
        break;
    case KEY_EXPIRED:
        log_failure(LOG_LEVEL_ERROR, "credentials expired, no calls until there are newer ones",
                    &report->error, fields[0], fields[1]);
        break;
    default:
        break;
    }
}

static void tell(struct keyring *keyring, const struct key_entry *entry, const struct report *report)
{
    log_report(entry, report);
    if (report->news.changed && !entry->is_hidden)
        keyring->sink.changed(keyring->sink.context, entry->name);
}

/* True when there is something to fetch. */
static bool fetch_begin(struct keyring *keyring, struct key_entry *entry, struct fetch *fetch)
{
    const struct key_moment at = keyring_moment(keyring);

    *fetch = (struct fetch){.entry = key_entry_get(entry)};
    if (!key_entry_begin(entry, &at, &fetch->news))
        return false;
    entry->is_busy = true;
    entry->is_retrying = entry->renewal.backoff > 0;
    keyring->retrying += entry->is_retrying ? 1 : 0;
    fetch->source = key_source_get(entry->source);
    fetch->config = config_get(keyring->inputs.config);
    fetch->revision = entry->revision;
    if (key_source_needs_caller(entry->source))
        fetch->caller = credentials_get(entry->caller->credentials);
    if (entry->credentials != NULL)
        fetch->held = credentials_get(entry->credentials);
    return true;
}

static struct transport_settings settings_of(const struct das_config *das)
{
    return (struct transport_settings){
        .connect_timeout = das->connect_timeout,
        .timeout = das->timeout < TIMEOUT_MAX ? das->timeout : TIMEOUT_MAX,
        .max_response_size = das->max_response_size,
        .ca_file = das->ca_file,
    };
}

static void fetch_run(struct fetch *fetch, struct transport *transport)
{
    const struct transport_settings settings = settings_of(&fetch->config->das);

    error_clear(&fetch->error);
    if (transport_configure(transport, &settings))
        key_fetch(transport, fetch->source, fetch->caller, fetch->held, &fetch->issued, &fetch->error);
    else
        error_set(&fetch->error, ERROR_NO_MEMORY, "out of memory before fetching credentials");
}

static void fetch_end(struct keyring *keyring, struct fetch *fetch)
{
    struct key_entry *entry = fetch->entry;
    const struct key_moment at = keyring_moment(keyring);

    entry->is_busy = false;
    keyring->retrying -= entry->is_retrying ? 1 : 0;
    /* What another source gave while it was exchanged is of no use; nor is that a call was aborted. */
    if (!entry->is_known || entry->revision != fetch->revision || keyring->stopping)
        return;
    key_entry_end(entry, &fetch->issued, &fetch->error, fetch->caller, &at, &fetch->news);
    if (fetch->news.caller_refused && key_entry_refuse(entry->caller, fetch->caller, at.now))
        keyring_reschedule(keyring, entry->caller);
}

static void fetch_release(struct fetch *fetch)
{
    issued_credentials_release(&fetch->issued);
    credentials_put(fetch->caller);
    credentials_put(fetch->held);
    key_source_put(fetch->source);
    config_put(fetch->config);
    key_entry_put(fetch->entry);
}

/* Does what is due for an entry that is in no heap. The mutex is held, and let go of meanwhile. */
static void serve(struct keyring *keyring, struct key_entry *entry, struct transport *transport)
{
    struct report report;
    struct fetch fetch;

    if (fetch_begin(keyring, entry, &fetch)) {
        mutex_unlock(&keyring->mutex);
        fetch_run(&fetch, transport);
        mutex_lock(&keyring->mutex);
        fetch_end(keyring, &fetch);
    }
    keyring_reschedule(keyring, entry);
    keyring_wake_dependents(keyring, entry, fetch.news.replaced, clock_now());
    report = report_of(entry, &fetch.news);
    mutex_unlock(&keyring->mutex);
    tell(keyring, entry, &report);
    fetch_release(&fetch);
    mutex_lock(&keyring->mutex);
}

/* A token for one fetch, and its slot is free again a second after that begins. */
static bool take_token(struct keyring *keyring, int64_t now)
{
    if (!limiter_acquire(keyring->limiter, now))
        return false;
    limiter_release(keyring->limiter, LIMITER_ANSWERED, now);
    return true;
}

/* The entry of that lane that is due and may be served; else NULL and *wake not after when it may. */
static struct key_entry *take_from(struct keyring *keyring, enum keyring_lane lane, int64_t now,
                                   int64_t *wake)
{
    struct heap_node *node = heap_peek(&keyring->lanes[lane]);
    struct key_entry *entry;
    int64_t when;

    if (node == NULL || (lane == KEYRING_RETRY && keyring->retrying >= RETRIES_MAX))
        return NULL;
    entry = CONTAINER_OF(node, struct key_entry, timer);
    when = node->key;
    if (when <= now && lane != KEYRING_LOCAL && key_entry_can_fetch(entry, now) && !take_token(keyring, now))
        when = limiter_next(keyring->limiter, now);
    if (when > now) {
        *wake = when < *wake ? when : *wake;
        return NULL;
    }
    heap_pop(&keyring->lanes[lane]);
    entry->heap = NULL;
    return entry;
}

static struct key_entry *take_due(struct keyring *keyring, int64_t now, int64_t *wake)
{
    *wake = CLOCK_NEVER;
    for (int lane = 0; lane < KEYRING_LANES; lane++) {
        struct key_entry *entry = take_from(keyring, (enum keyring_lane)lane, now, wake);

        if (entry != NULL)
            return entry;
    }
    return NULL;
}

static void *run_thread(void *argument)
{
    struct keyring_thread *thread = argument;
    struct keyring *keyring = thread->keyring;
    int64_t wake;

    mutex_lock(&keyring->mutex);
    while (!keyring->stopping) {
        struct key_entry *entry = take_due(keyring, clock_now(), &wake);

        if (entry != NULL) {
            pthread_cond_signal(&keyring->wakeup); /* another one has to watch for the next */
            serve(keyring, entry, thread->transport);
        } else {
            cond_wait_until(&keyring->wakeup, &keyring->mutex, wake);
        }
    }
    mutex_unlock(&keyring->mutex);
    return NULL;
}

bool keyring_start(struct keyring *keyring, struct error *error)
{
    const struct transport_settings settings = settings_of(&keyring->inputs.config->das);

    for (size_t i = 0; i < KEYRING_THREADS; i++) {
        struct keyring_thread *thread = &keyring->threads[i];

        thread->keyring = keyring;
        thread->transport = transport_new(&settings, error);
        if (thread->transport == NULL)
            goto fail;
        if (!thread_start(&thread->thread, "keyring", run_thread, thread, error)) {
            transport_free(thread->transport);
            goto fail;
        }
        keyring->thread_count++;
    }
    return true;

fail:
    keyring_stop(keyring);
    return false;
}

void keyring_stop(struct keyring *keyring)
{
    mutex_lock(&keyring->mutex);
    keyring->stopping = true;
    pthread_cond_broadcast(&keyring->wakeup);
    mutex_unlock(&keyring->mutex);
    for (size_t i = 0; i < keyring->thread_count; i++)
        transport_abort(keyring->threads[i].transport);
    for (size_t i = 0; i < keyring->thread_count; i++) {
        pthread_join(keyring->threads[i].thread, NULL);
        transport_free(keyring->threads[i].transport);
    }
    keyring->thread_count = 0;
}

static void wait_for_token(struct keyring *keyring)
{
    while (!take_token(keyring, clock_now()))
        cond_wait_until(&keyring->wakeup, &keyring->mutex, limiter_next(keyring->limiter, clock_now()));
}

/* One fetch for an entry that lacks valid credentials, after one for its caller where that lacks them. */
static void fetch_chain(struct keyring *keyring, struct key_entry *entry, struct transport *transport,
                        int chain)
{
    const bool has_some =
        entry->credentials != NULL && !entry->is_refused && !renewal_expired(&entry->renewal, clock_now());
    struct key_entry *caller = entry->caller;

    if (entry->is_busy || has_some || entry->source->kind == CREDENTIAL_NONE || chain == 0)
        return;
    /* One that has failed already is not asked again for every account. */
    if (caller != NULL && caller->error.class == ERROR_NONE)
        fetch_chain(keyring, caller, transport, chain - 1);
    entry->renewal.due = clock_now();
    if (key_source_is_remote(entry->source) && key_entry_can_fetch(entry, clock_now()))
        wait_for_token(keyring);
    if (entry->heap != NULL)
        heap_remove(entry->heap, &entry->timer);
    entry->heap = NULL;
    if (!entry->is_busy)
        serve(keyring, entry, transport);
    if (entry->is_waiting && entry->is_caller_asked && entry->caller != NULL) {
        fetch_chain(keyring, entry->caller, transport, chain - 1);
        fetch_chain(keyring, entry, transport, chain - 1);
    }
}

void keyring_fetch(struct keyring *keyring, const char *aliyun_uid, struct keyring_entry *entry)
{
    struct transport_settings settings;
    struct transport *transport;
    struct config *config;
    struct error error;

    mutex_lock(&keyring->mutex);
    config = config_get(keyring->inputs.config);
    mutex_unlock(&keyring->mutex);
    settings = settings_of(&config->das);
    transport = transport_new(&settings, &error);
    if (transport != NULL) {
        struct key_entry *found;

        mutex_lock(&keyring->mutex);
        found = key_set_find(keyring->set, aliyun_uid);
        if (found != NULL) {
            key_entry_get(found);
            fetch_chain(keyring, found, transport, KEY_CHAIN_MAX);
            key_entry_put(found);
        }
        mutex_unlock(&keyring->mutex);
    }
    keyring_lookup(keyring, aliyun_uid, entry);
    if (transport == NULL)
        entry->error = error;
    transport_free(transport);
    config_put(config);
}
