#include "test/schedule/fake_fleet.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collectors/user_sessions.h"
#include "core/log.h"

/* A call may have waited for a worker, timed out and been late. */
#define LONGEST_WAY (60 * NS_PER_SECOND)
/* Room for the arrivals of one window. */
#define ARRIVALS_MAX 8192

int64_t fleet_random(struct fleet *fleet, int64_t limit)
{
    fleet->random ^= fleet->random >> 12;
    fleet->random ^= fleet->random << 25;
    fleet->random ^= fleet->random >> 27;
    return (int64_t)((fleet->random * UINT64_C(2685821657736338717) >> 1) % (uint64_t)limit);
}

/* A standard normal variate (Box and Muller 1958). */
static double random_normal(struct fleet *fleet)
{
    double first = ((double)fleet_random(fleet, 1000000) + 1) / 1000001;
    double second = (double)fleet_random(fleet, 1000000) / 1000000;

    return sqrt(-2 * log(first)) * cos(2 * acos(-1) * second);
}

static int64_t random_completion(struct fleet *fleet, const struct fleet_target *target)
{
    if (target->spread <= 0)
        return target->completion;
    return (int64_t)((double)target->completion * exp(target->spread * random_normal(fleet)));
}

/* A quota at the server: a window is half open, so calls exactly one window apart are in two. */
static void count_in_window(struct fleet *fleet, struct fleet_account *account, int64_t dispatched_at)
{
    int64_t window = fleet->config->das.rate_window;
    unsigned quota;

    if (dispatched_at <= account->quota_set_at)
        account->quota_from = fleet->now + window;
    quota = fleet->now < account->quota_from ? account->quota_before : account->quota;
    while (account->arrival_count > 0 && account->arrivals[account->arrival_first] <= fleet->now - window) {
        account->arrival_first = (account->arrival_first + 1) % ARRIVALS_MAX;
        account->arrival_count--;
    }
    assert_true(account->arrival_count < ARRIVALS_MAX);
    account->arrivals[(account->arrival_first + account->arrival_count) % ARRIVALS_MAX] = fleet->now;
    account->arrival_count++;
    account->calls++;
    if (account->arrival_count > quota)
        fail_msg("%zu calls in one window of an account, %u are allowed", account->arrival_count, quota);
}

static void count_arrival(struct fleet *fleet, struct fleet_account *account, int64_t dispatched_at)
{
    count_in_window(fleet, account, dispatched_at);
    count_in_window(fleet, &fleet->total, dispatched_at);
}

static bool fault_hits(struct fleet_fault *fault, const struct call *call)
{
    if (fault->class == ERROR_NONE || fault->times == 0 ||
        (fault->only_polls && call->continuation == NULL) ||
        (fault->sent_before > 0 && call->dispatched_at >= fault->sent_before))
        return false;
    if (fault->times != FLEET_ALWAYS)
        fault->times--;
    return true;
}

static void answer_error(struct call *call, enum error_class class, int64_t retry_after_ms)
{
    call->result.outcome = STEP_FAILED;
    call->result.retry_after_ms = retry_after_ms;
    error_set(&call->result.error, class, "the fleet says %s", error_class_name(class));
}

static void answer_running(struct call *call)
{
    call->result.outcome = STEP_RUNNING;
    call->result.continuation = strdup("async__test");
    assert_non_null(call->result.continuation);
}

static void answer_finished(struct fleet *fleet, struct fleet_target *target, struct call *call)
{
    struct das_sessions users[] = {{"app", (int64_t)target->results, 0}};
    const struct das_reply reply = {.outcome = DAS_FINISHED, .users = {users, 1}};
    const struct optional_metrics_config none = {.series_per_target = 1};

    call->result.outcome = STEP_FINISHED;
    call->result.batch = user_sessions_render(call->target, &reply, &none);
    assert_non_null(call->result.batch);
    if (target->results > 0 && fleet->now - target->result_at > target->longest_gap)
        target->longest_gap = fleet->now - target->result_at;
    target->results++;
    target->result_at = fleet->now;
}

static void answer_target(struct fleet *fleet, struct fleet_target *target, struct call *call)
{
    if (call->continuation == NULL) {
        target->submits++;
        target->submitted_at = fleet->now;
        target->computed_at = fleet->now + random_completion(fleet, target);
    } else {
        target->polls++;
    }
    if (fault_hits(&target->fault, call))
        answer_error(call, target->fault.class, target->fault.retry_after_ms);
    else if (target->never_finishes || fleet->now < target->computed_at ||
             (call->continuation == NULL && target->completion > 0))
        answer_running(call);
    else
        answer_finished(fleet, target, call);
}

static bool keys_refused(const struct fleet_account *account, const struct call *call)
{
    char key[32];

    snprintf(key, sizeof(key), "key-%u", account->accepted_key);
    return account->refuses_keys && strcmp(call->credentials->access_key_id, key) != 0;
}

/* Its temporary credentials have expired in the server's eyes. */
static bool keys_expired(const struct fleet_account *account, const struct call *call)
{
    return strtoul(call->credentials->access_key_id + strlen("key-"), NULL, 10) < account->first_valid_key;
}

static void arrive(struct fleet *fleet, struct fleet_call *flight)
{
    struct fleet_account *account = flight->account;
    struct call *call = flight->call;

    count_arrival(fleet, account, flight->dispatched_at);
    if (account->server_limit > 0 && account->arrival_count > account->server_limit)
        answer_error(call, ERROR_THROTTLED, -1);
    else if (keys_expired(account, call))
        answer_error(call, ERROR_TOKEN_EXPIRED, -1);
    else if (keys_refused(account, call))
        answer_error(call, ERROR_CREDENTIALS, -1);
    else if (fault_hits(&account->fault, call))
        answer_error(call, account->fault.class, account->fault.retry_after_ms);
    else
        answer_target(fleet, flight->target, call);
    if (call->result.outcome == STEP_FINISHED)
        flight->target->refreshing += fleet->now - CONTAINER_OF(call, struct job, call)->began_at;
}

static void give_back(struct fleet *fleet, struct fleet_call *flight)
{
    flight->call->result.duration = fleet->now - flight->started_at;
    mailbox_return_call(fleet->mailbox, flight->call);
    fleet->running--;
    free(flight);
}

static struct fleet_target *find_target(struct fleet *fleet, const struct target *target)
{
    size_t i = strtoul(target->instance->ins_id + strlen("rm-test"), NULL, 10);

    assert_true(i < fleet->target_count);
    return &fleet->targets[i];
}

static struct fleet_account *find_account(struct fleet *fleet, const struct target *target)
{
    size_t i = strtoul(target->instance->aliyun_uid + 1, NULL, 10) - 1;

    assert_true(i < fleet->account_count);
    return &fleet->accounts[i];
}

/* It times out here, and may be counted there even after that. */
static void schedule_hanging(struct fleet *fleet, struct fleet_call *flight)
{
    struct fleet_call *ghost = calloc(1, sizeof(*ghost));
    int64_t timeout = fleet->config->das.timeout;

    assert_non_null(ghost);
    ghost->account = flight->account;
    ghost->dispatched_at = flight->dispatched_at;
    heap_insert(&fleet->events, &ghost->node,
                fleet->now + fleet_random(fleet, timeout + LIMITER_UNANSWERED_GRACE));
    flight->arrived = true;
    flight->call->result.answered = false;
    answer_error(flight->call, ERROR_TRANSIENT, -1);
    heap_insert(&fleet->events, &flight->node, fleet->now + timeout);
}

/* When the call arrives and when it comes back. */
static void schedule(struct fleet *fleet, struct fleet_call *flight)
{
    struct fleet_account *account = flight->account;
    int64_t spread = account->round_trip_most - account->round_trip_least;
    int64_t length = account->round_trip_least + fleet_random(fleet, spread + 1);

    if (account->hangs || flight->target->hangs) {
        schedule_hanging(fleet, flight);
        return;
    }
    flight->returns_at = fleet->now + length;
    heap_insert(&fleet->events, &flight->node, fleet->now + fleet_random(fleet, length + 1));
}

static void start_call(struct fleet *fleet, struct call *call)
{
    struct fleet_call *flight = calloc(1, sizeof(*flight));

    assert_non_null(flight);
    assert_non_null(call->credentials);
    flight->call = call;
    flight->target = find_target(fleet, call->target);
    flight->account = find_account(fleet, call->target);
    flight->dispatched_at = call->dispatched_at;
    flight->started_at = fleet->now;
    fleet->running++;
    if (fleet->on_call != NULL)
        fleet->on_call(fleet, flight);
    call->result.retry_after_ms = -1;
    call->result.sent = flight->target->unsent == 0 && !flight->account->cannot_sign;
    call->result.answered = call->result.sent;
    error_clear(&call->result.error);
    if (call->result.sent) {
        schedule(fleet, flight);
        return;
    }
    flight->target->unsent -= flight->target->unsent > 0;
    answer_error(call, flight->account->cannot_sign ? ERROR_CREDENTIALS : ERROR_NO_MEMORY, -1);
    give_back(fleet, flight);
}

static bool start_calls(struct fleet *fleet)
{
    struct call *call;
    bool returned = false;

    while (fleet->running < (size_t)fleet->config->exporter.workers &&
           (call = call_queue_try_pop(fleet->queue)) != NULL) {
        size_t running = fleet->running;

        start_call(fleet, call);
        returned = returned || fleet->running == running;
    }
    return returned;
}

void fleet_step(struct fleet *fleet)
{
    do {
        fleet->wake = scheduler_step(fleet->scheduler, fleet->now);
        fleet->steps++;
        assert_true(fleet->wake > fleet->now);
    } while (start_calls(fleet));
}

/* True when a job came back. */
static bool run_event(struct fleet *fleet)
{
    struct fleet_call *flight = CONTAINER_OF(heap_pop(&fleet->events), struct fleet_call, node);

    if (flight->call == NULL) {
        count_arrival(fleet, flight->account, flight->dispatched_at);
        free(flight);
        return false;
    }
    if (!flight->arrived) {
        flight->arrived = true;
        arrive(fleet, flight);
        heap_insert(&fleet->events, &flight->node, flight->returns_at);
        return false;
    }
    give_back(fleet, flight);
    return true;
}

void fleet_run_until(struct fleet *fleet, int64_t time)
{
    for (;;) {
        struct heap_node *event = heap_peek(&fleet->events);
        bool step;

        if ((event == NULL || event->key > time) && fleet->wake > time)
            break;
        if (event != NULL && event->key <= fleet->wake) {
            fleet->now = event->key > fleet->now ? event->key : fleet->now;
            step = run_event(fleet);
        } else {
            fleet->now = fleet->wake > fleet->now ? fleet->wake : fleet->now;
            step = true;
        }
        if (step)
            fleet_step(fleet);
    }
    fleet->now = time;
    fleet_step(fleet);
    fleet_check(fleet);
}

void fleet_run(struct fleet *fleet, int64_t duration)
{
    fleet_run_until(fleet, fleet->now + duration);
}

void fleet_stall(struct fleet *fleet, int64_t duration)
{
    int64_t end = fleet->now + duration;

    while (heap_peek(&fleet->events) != NULL && heap_peek(&fleet->events)->key <= end) {
        if (heap_peek(&fleet->events)->key > fleet->now)
            fleet->now = heap_peek(&fleet->events)->key;
        run_event(fleet);
    }
    fleet->now = end;
    fleet_step(fleet);
}

static void set_quota(struct fleet *fleet, struct fleet_account *account, unsigned quota)
{
    if (quota == account->quota)
        return;
    if (fleet->now >= account->quota_from + LONGEST_WAY)
        account->quota_before = account->quota;
    if (quota > account->quota_before)
        account->quota_before = quota;
    account->quota = quota;
    account->quota_set_at = fleet->now;
    account->quota_from = fleet->now + fleet->config->das.rate_window;
}

static void set_quotas(struct fleet *fleet)
{
    const struct das_config *das = &fleet->config->das;

    for (size_t i = 0; i < fleet->account_count; i++) {
        struct fleet_account *account = &fleet->accounts[i];

        set_quota(fleet, account, account->rate_limit > 0 ? account->rate_limit : (unsigned)das->rate_limit);
    }
    set_quota(fleet, &fleet->total, das->total_rate_limit > 0 ? (unsigned)das->total_rate_limit : UINT_MAX);
}

void fleet_reload(struct fleet *fleet)
{
    struct config *config = fleet_load_config(fleet);

    assert_true(scheduler_apply_config(fleet->scheduler, config, fleet->now));
    config_put(fleet->config);
    fleet->config = config;
    set_quotas(fleet);
    fleet_configure_keys(fleet);
    fleet_step(fleet);
    fleet_check(fleet);
}

void fleet_apply_inventory(struct fleet *fleet)
{
    struct inventory *inventory = fleet_build_inventory(fleet);

    assert_true(scheduler_apply_inventory(fleet->scheduler, inventory, fleet->now));
    inventory_put(inventory);
    fleet_step(fleet);
    fleet_check(fleet);
}

static void make_targets(struct fleet *fleet)
{
    size_t each = fleet->settings.targets > 0 ? fleet->settings.targets : 1;
    size_t first = fleet->settings.first_targets > 0 ? fleet->settings.first_targets : each;

    fleet->target_count = first + (fleet->account_count - 1) * each;
    fleet->targets = calloc(fleet->target_count, sizeof(*fleet->targets));
    assert_non_null(fleet->targets);
    for (size_t i = 0; i < fleet->target_count; i++) {
        struct fleet_target *target = &fleet->targets[i];

        target->present = true;
        target->account = i < first ? 0 : 1 + (i - first) / each;
        target->completion = 700 * NS_PER_MS;
        snprintf(target->ins_name, sizeof(target->ins_name), "orders");
    }
}

static void make_arrivals(struct fleet_account *account)
{
    account->arrivals = calloc(ARRIVALS_MAX, sizeof(*account->arrivals));
    assert_non_null(account->arrivals);
}

static void make_accounts(struct fleet *fleet)
{
    make_arrivals(&fleet->total);
    fleet->account_count = fleet->settings.accounts > 0 ? fleet->settings.accounts : 1;
    fleet->accounts = calloc(fleet->account_count, sizeof(*fleet->accounts));
    assert_non_null(fleet->accounts);
    for (size_t i = 0; i < fleet->account_count; i++) {
        struct fleet_account *account = &fleet->accounts[i];

        account->round_trip_least = 20 * NS_PER_MS;
        account->round_trip_most = 120 * NS_PER_MS;
        make_arrivals(account);
    }
}

struct fleet *fleet_new_empty(const struct fleet_settings *settings)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    struct scheduler_parts parts = {
        .random_seed = 7,
        .collector = settings->collector != NULL ? settings->collector : &user_sessions_collector,
        .credentials = {
            .context = fleet, .lookup = fleet_lookup_credentials, .refused = fleet_credentials_refused}};

    assert_non_null(fleet);
    log_set_level(LOG_LEVEL_ERROR + 1); /* nothing */
    *fleet = (struct fleet){
        .settings = *settings, .now = settings->start > 0 ? settings->start : FLEET_START, .random = 42};
    heap_init(&fleet->events);
    make_accounts(fleet);
    make_targets(fleet);
    fleet->config = fleet_load_config(fleet);
    fleet_configure_keys(fleet);
    fleet->registry = parts.registry = registry_new();
    fleet->queue = parts.queue = call_queue_new((size_t)fleet->config->exporter.queue_size);
    fleet->mailbox = parts.mailbox = mailbox_new();
    fleet->refreshes = parts.refreshes = refresh_table_new(1);
    fleet->board = parts.board = status_board_new(fleet->mailbox);
    fleet->scheduler = scheduler_new(fleet->config, &parts, fleet->now);
    assert_non_null(fleet->scheduler);
    set_quotas(fleet);
    return fleet;
}

struct fleet *fleet_new(const struct fleet_settings *settings)
{
    struct fleet *fleet = fleet_new_empty(settings);

    fleet_apply_inventory(fleet);
    return fleet;
}

/* As when the workers are stopped: what had been answered comes back with its answer. */
static void stop_calls(struct fleet *fleet)
{
    while (heap_peek(&fleet->events) != NULL) {
        struct fleet_call *flight = CONTAINER_OF(heap_pop(&fleet->events), struct fleet_call, node);

        if (flight->call == NULL) {
            free(flight);
            continue;
        }
        flight->call->result.sent = flight->arrived;
        give_back(fleet, flight);
    }
}

void fleet_free(struct fleet *fleet)
{
    stop_calls(fleet);
    scheduler_free(fleet->scheduler);
    status_board_free(fleet->board);
    refresh_table_free(fleet->refreshes);
    mailbox_free(fleet->mailbox);
    call_queue_free(fleet->queue);
    registry_free(fleet->registry);
    config_put(fleet->config);
    fleet_forget_keys(fleet);
    for (size_t i = 0; i < fleet->account_count; i++)
        free(fleet->accounts[i].arrivals);
    free(fleet->total.arrivals);
    free(fleet->accounts);
    free(fleet->targets);
    free(fleet);
}
