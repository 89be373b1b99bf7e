/*
 * The scheduler under a virtual clock: how long a full refresh takes, what it costs in calls, and
 * what a decision costs in CPU time.
 *
 *     quota_model ACCOUNTS TARGETS_PER_ACCOUNT REFRESHES
 *
 * prints one JSON object: the first cycle after a start, and the manual refreshes of all targets
 * that follow, one after the other. The fleet ends the program when any window holds more calls than the
 * quota. Only scheduler_step() is timed, through the linker's --wrap, so that the cost of playing
 * the server is left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/text.h"
#include "test/schedule/fake_fleet.h"

#define LIMIT              60
#define COMPLETION         (2 * NS_PER_SECOND)
#define COMPLETION_SPREAD  0.5
#define ROUND_TRIP_LEAST   (40 * NS_PER_MS)
#define ROUND_TRIP_MOST    (120 * NS_PER_MS)
#define LARGEST            1000000
#define WORKERS_MAX        1024
#define CALIBRATION_ROUNDS 100000

/* What the steps cost; of this program, since the wrapped function has no place for it. */
static struct {
    uint64_t steps;
    int64_t cpu;
    int64_t longest;
} meter;

int64_t __real_scheduler_step(struct scheduler *scheduler, int64_t now);
int64_t __wrap_scheduler_step(struct scheduler *scheduler, int64_t now);

/* Not the project's clock: others that want the processor, too, must not count. */
#undef clock_gettime
static int64_t cpu_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

int64_t __wrap_scheduler_step(struct scheduler *scheduler, int64_t now)
{
    int64_t before = cpu_time();
    int64_t wake = __real_scheduler_step(scheduler, now);
    int64_t cost = cpu_time() - before;

    meter.steps++;
    meter.cpu += cost;
    meter.longest = cost > meter.longest ? cost : meter.longest;
    return wake;
}

/* What measuring nothing seems to cost. */
static double meter_overhead(void)
{
    int64_t sum = 0;

    for (int i = 0; i < CALIBRATION_ROUNDS; i++) {
        int64_t before = cpu_time();

        sum += cpu_time() - before;
    }
    return (double)sum / CALIBRATION_ROUNDS;
}

static uint64_t count_calls(const struct fleet *fleet)
{
    uint64_t calls = 0;

    for (size_t i = 0; i < fleet->account_count; i++)
        calls += fleet->accounts[i].calls;
    return calls;
}

static struct fleet *new_fleet(size_t accounts, size_t targets)
{
    unsigned workers = accounts < WORKERS_MAX / 8 ? (unsigned)(16 + 8 * accounts) : WORKERS_MAX;
    struct fleet *fleet = fleet_new_empty(&(struct fleet_settings){
        .accounts = accounts,
        .targets = targets,
        .rate_limit = LIMIT,
        .workers = workers,
        .interval = "12h",
        .stale_after = "24h",
    });

    for (size_t i = 0; i < fleet->target_count; i++) {
        fleet->targets[i].completion = COMPLETION;
        fleet->targets[i].spread = COMPLETION_SPREAD;
    }
    for (size_t i = 0; i < fleet->account_count; i++) {
        fleet->accounts[i].round_trip_least = ROUND_TRIP_LEAST;
        fleet->accounts[i].round_trip_most = ROUND_TRIP_MOST;
    }
    return fleet;
}

/* A time during which each target is asked once. */
struct phase {
    int64_t began_at;
    uint64_t calls_before;
};

static struct phase phase_start(const struct fleet *fleet)
{
    meter.steps = 0;
    meter.cpu = 0;
    meter.longest = 0;
    return (struct phase){.began_at = fleet->now, .calls_before = count_calls(fleet)};
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int compare_times(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

    return (first > second) - (first < second);
}

/* The middle and the greatest of the times, in seconds after the beginning of the phase. */
static void print_times(const char *name, int64_t *times, size_t count, const struct phase *phase)
{
    qsort(times, count, sizeof(*times), compare_times);
    printf("\"%s_median\":%.3f,\"%s_longest\":%.3f,", name,
           (double)(times[count / 2] - phase->began_at) / NS_PER_SECOND, name,
           (double)(times[count - 1] - phase->began_at) / NS_PER_SECOND);
}

/* Until an account's last result was here, and until the server had computed it. */
static void print_lengths(const struct fleet *fleet, const struct phase *phase)
{
    int64_t *here = calloc(fleet->account_count, sizeof(*here));
    int64_t *computed = calloc(fleet->account_count, sizeof(*computed));

    if (here == NULL || computed == NULL)
        abort();
    for (size_t i = 0; i < fleet->target_count; i++) {
        const struct fleet_target *target = &fleet->targets[i];
        size_t account = target->account;

        here[account] = later(here[account], target->result_at);
        computed[account] = later(computed[account], target->computed_at);
    }
    print_times("seconds", here, fleet->account_count, phase);
    print_times("computed", computed, fleet->account_count, phase);
    free(computed);
    free(here);
}

static void phase_print(const struct fleet *fleet, const struct phase *phase)
{
    double calls = (double)(count_calls(fleet) - phase->calls_before);
    double cpu = (double)meter.cpu - meter_overhead() * (double)meter.steps;

    printf("{");
    print_lengths(fleet, phase);
    printf("\"calls_per_target\":%.4f,\"steps_per_call\":%.3f,\"cpu_us_per_call\":%.3f,"
           "\"longest_step_ms\":%.3f}",
           calls / (double)fleet->target_count, (double)meter.steps / calls, cpu / calls / NS_PER_US,
           (double)meter.longest / NS_PER_MS);
}

static void run_first_cycle(struct fleet *fleet, int64_t piece)
{
    struct phase phase = phase_start(fleet);

    fleet_apply_inventory(fleet);
    while (!scheduler_first_cycle_done(fleet->scheduler))
        fleet_run(fleet, piece);
    phase_print(fleet, &phase);
}

static void run_refresh(struct fleet *fleet, int64_t piece)
{
    struct phase phase = phase_start(fleet);
    struct refresh_progress progress;

    fleet_refresh(fleet, NULL, NULL, &progress);
    while (progress.state == REFRESH_RUNNING) {
        fleet_run(fleet, piece);
        progress = fleet_progress(fleet, &progress);
    }
    phase_print(fleet, &phase);
}

int main(int count, char **arguments)
{
    int64_t accounts, targets, refreshes, piece;
    struct fleet *fleet;

    if (count != 4 || !text_parse_int(arguments[1], 1, LARGEST, &accounts) ||
        !text_parse_int(arguments[2], 1, LARGEST, &targets) ||
        !text_parse_int(arguments[3], 0, LARGEST, &refreshes)) {
        fprintf(stderr, "usage: quota_model ACCOUNTS TARGETS_PER_ACCOUNT REFRESHES\n");
        return 2;
    }
    /* The fleet checks itself after each piece, which takes time for each target. */
    piece = NS_PER_SECOND + targets * NS_PER_MS;
    fleet = new_fleet((size_t)accounts, (size_t)targets);
    printf("{\"first\":");
    run_first_cycle(fleet, piece);
    printf(",\"refreshes\":[");
    for (int64_t i = 0; i < refreshes; i++) {
        fputs(i > 0 ? "," : "", stdout);
        run_refresh(fleet, piece);
    }
    printf("]}\n");
    fleet_free(fleet);
    return 0;
}
