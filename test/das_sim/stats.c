#include "stats.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "quota.h"
#include "sim.h"

/* How the values of several accounts make the one of all. */
enum merge { MERGE_SUM, MERGE_WORST };

struct row {
    const char *name;
    size_t offset;
    enum merge merge;
};

#define ROW(field, merge)                                                                                    \
    {                                                                                                        \
#field, offsetof(struct tally, field), merge                                                         \
    }

static const struct row table[] = {
    ROW(calls, MERGE_SUM),
    ROW(submits, MERGE_SUM),
    ROW(polls, MERGE_SUM),
    ROW(throttled, MERGE_SUM),
    ROW(throttled_quota, MERGE_SUM),
    ROW(auth_failures, MERGE_SUM),
    ROW(expired_tokens, MERGE_SUM),
    ROW(hung, MERGE_SUM),
    ROW(foreign_calls, MERGE_SUM),
    ROW(foreign_throttled, MERGE_SUM),
    ROW(worst_window, MERGE_WORST),
    ROW(worst_window_with_foreign, MERGE_WORST),
    ROW(worst_100ms, MERGE_WORST),
    ROW(quota_exceeded, MERGE_SUM),
    ROW(results_created, MERGE_SUM),
    ROW(results_finished, MERGE_SUM),
    ROW(results_delivered, MERGE_SUM),
    ROW(polls_of_delivered, MERGE_SUM),
    ROW(tokens_issued, MERGE_SUM),
};

enum { ROWS = sizeof(table) / sizeof(table[0]) };

static uint64_t *value_of(struct tally *tally, const struct row *row)
{
    return (uint64_t *)(void *)((char *)tally + row->offset);
}

static struct tally *tally_of(struct call *call)
{
    return call->key == NULL ? &call->sim->nobody : &call->key->account->tally;
}

/* One log line must stay one line whatever a client calls its instance. */
static void log_text(FILE *log, const char *text)
{
    (void)fputc('\t', log);
    if (text == NULL || *text == '\0') {
        (void)fputc('-', log);
        return;
    }
    for (; *text != '\0'; text++)
        (void)fputc((unsigned char)*text < 0x20 ? '?' : *text, log);
}

void stats_log(struct call *call, const char *what, const char *about)
{
    uint64_t since_start = call->arrived_us - call->sim->started_us;
    FILE *log = call->sim->log;

    if (log == NULL)
        return;
    (void)fprintf(log, "%" PRIu64 ".%06" PRIu64, since_start / 1000000, since_start % 1000000);
    log_text(log, call->key == NULL ? NULL : call->key->account->uid);
    log_text(log, what);
    log_text(log, about);
    log_text(log, call->node_id);
    log_text(log, call->outcome);
    (void)fputc('\n', log);
}

void stats_count(json_t *counts, const char *name)
{
    json_int_t before = json_integer_value(json_object_get(counts, name));

    (void)json_object_set_new(counts, name, json_integer(before + 1));
}

void stats_note(struct call *call)
{
    stats_count(tally_of(call)->outcomes, call->outcome);
    if (call->target != NULL && strncmp(call->outcome, "Throttling", 10) == 0)
        call->target->throttled++;
    stats_log(call, call->phase == PHASE_POLL ? "poll" : "submit", call->instance_id);
}

static void add_ratio(json_t *object, const char *name, uint64_t over, uint64_t under)
{
    (void)json_object_set_new(object, name,
                              under == 0 ? json_null() : json_real((double)over / (double)under));
}

static json_t *seconds_since_start(const struct sim *sim, uint64_t at)
{
    return at == 0 ? json_null() : json_real((double)(at - sim->started_us) / 1e6);
}

static json_t *report_tally(const struct sim *sim, struct tally *tally)
{
    json_t *object = json_object();

    for (size_t i = 0; i < ROWS; i++)
        (void)json_object_set_new(object, table[i].name,
                                  json_integer((json_int_t)*value_of(tally, &table[i])));
    add_ratio(object, "polls_per_delivered", tally->polls_of_delivered, tally->results_delivered);
    add_ratio(object, "calls_per_delivered", tally->calls, tally->results_delivered);
    (void)json_object_set_new(object, "first_call_s", seconds_since_start(sim, tally->first_call_us));
    (void)json_object_set_new(object, "last_call_s", seconds_since_start(sim, tally->last_call_us));
    (void)json_object_set(object, "outcomes", tally->outcomes);
    return object;
}

static void merge_outcomes(json_t *into, json_t *from)
{
    const char *name;
    json_t *count;

    json_object_foreach(from, name, count)
    {
        json_int_t before = json_integer_value(json_object_get(into, name));

        (void)json_object_set_new(into, name, json_integer(before + json_integer_value(count)));
    }
}

static void merge_tally(struct tally *total, struct tally *one)
{
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t *into = value_of(total, &table[i]);
        uint64_t value = *value_of(one, &table[i]);

        if (table[i].merge == MERGE_SUM)
            *into += value;
        else if (value > *into)
            *into = value;
    }
    if (one->first_call_us != 0 && (total->first_call_us == 0 || one->first_call_us < total->first_call_us))
        total->first_call_us = one->first_call_us;
    if (one->last_call_us > total->last_call_us)
        total->last_call_us = one->last_call_us;
    merge_outcomes(total->outcomes, one->outcomes);
}

json_t *stats_report(struct sim *sim, bool with_instances)
{
    struct tally total = {.outcomes = json_object()};
    json_t *accounts = json_object();
    json_t *report = json_object();
    uint64_t now = clock_us();

    merge_tally(&total, &sim->nobody);
    for (size_t i = 0; i < sim->accounts.account_count; i++) {
        struct account *account = sim->accounts.accounts[i];

        quota_run_foreign(account, &sim->options, now);
        merge_tally(&total, &account->tally);
        (void)json_object_set_new(accounts, account->uid, report_tally(sim, &account->tally));
    }
    (void)json_object_set_new(report, "total", report_tally(sim, &total));
    (void)json_object_set_new(report, "accounts", accounts);
    (void)json_object_set_new(report, "quota", json_integer(sim->options.quota));
    (void)json_object_set_new(report, "window_s", json_real((double)sim->options.window / 1e6));
    (void)json_object_set_new(report, "uptime_s", seconds_since_start(sim, now));
    (void)json_object_set_new(report, "connections", json_integer((json_int_t)sim->connections));
    (void)json_object_set_new(report, "bad_requests", json_integer((json_int_t)sim->bad_requests));
    (void)json_object_set_new(report, "results_kept", json_integer((json_int_t)sim->results.count));
    (void)json_object_set_new(report, "sts", sts_report(&sim->sts));
    (void)json_object_set_new(report, "metadata", metadata_report(&sim->metadata));
    if (with_instances)
        (void)json_object_set_new(report, "instances", target_table_report(&sim->targets));
    json_decref(total.outcomes);
    return report;
}

static void reset_tally(struct tally *tally)
{
    json_t *outcomes = tally->outcomes;

    (void)json_object_clear(outcomes);
    *tally = (struct tally){.outcomes = outcomes};
}

void stats_reset(struct sim *sim)
{
    uint64_t now = clock_us();

    for (size_t i = 0; i < sim->accounts.account_count; i++) {
        quota_run_foreign(sim->accounts.accounts[i], &sim->options, now);
        reset_tally(&sim->accounts.accounts[i]->tally);
    }
    reset_tally(&sim->nobody);
    target_table_reset(&sim->targets);
    sts_reset(&sim->sts);
    metadata_reset(&sim->metadata);
    sim->connections = 0;
    sim->bad_requests = 0;
}
