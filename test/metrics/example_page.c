#include "test/metrics/example_page.h"

#include "core/clock.h"

static const struct account_metrics accounts[] = {
    {
        .aliyun_uid = "1000000000000001",
        .up = true,
        .requests = {120, 131},
        .failures = {[API_PHASE_SUBMIT] = {[ERROR_THROTTLED] = 2}, [API_PHASE_POLL] = {[ERROR_REMOTE] = 1}},
        .throttled = 2,
        .rate_limit = 50,
        .rate_effective = 35,
        .rate_demand = 0.1,
        .instances = 2,
        .targets = 3,
        .credentials_expiry_unix_ms = 1735790600000,
    },
    {.aliyun_uid = "1000000000000002", .rate_limit = 50, .rate_effective = 50, .instances = 1, .targets = 1},
};

static const uint64_t rejected[] = {3, 0};
static const char *const rejected_names[] = {"disabled", "no_nodes"};

void example_self_metrics(struct self_metrics *self)
{
    *self = (struct self_metrics){
        .accounts = accounts,
        .account_count = sizeof(accounts) / sizeof(accounts[0]),
        .refreshes = {{4, 1}, {2, 0}},
        .refresh_duration = {2500 * NS_PER_MS, -1},
        .queue_length = 5,
        .inflight_calls = 3,
        .outstanding_results = 7,
        .inventory_success_unix_ms = 1735787045678,
        .rejected = rejected,
        .rejected_names = rejected_names,
        .rejected_count = sizeof(rejected) / sizeof(rejected[0]),
        .undated_rows = 2,
        .held_loads = 1,
        .auth_failures = {3, 1},
        .config_reload_successful = true,
        .config_reload_success_unix_ms = 1735787000000,
        .optional_metrics = (1u << OPTIONAL_METRIC_COUNT) - 1,
        .version = "0.1.0",
        .revision = "0123456789ab",
    };
    histogram_observe(&self->request_duration[API_PHASE_SUBMIT], 40 * NS_PER_MS);
    histogram_observe(&self->request_duration[API_PHASE_SUBMIT], 90 * NS_PER_SECOND);
    histogram_observe(&self->request_duration[API_PHASE_POLL], 250 * NS_PER_MS);
    histogram_observe(&self->result_wait, 1500 * NS_PER_MS);
}

static struct batch *sealed(struct batch *batch)
{
    if (batch != NULL && batch_seal(batch, NULL))
        return batch;
    batch_put(batch);
    return NULL;
}

static void add_sessions(struct batch *batch, const char *ins_id, const char *ins_name, const char *db_user,
                         const char *node_id, int64_t total)
{
    const char *values[] = {
        ins_id,  ins_name, node_id[0] == '\0' ? "rds" : "polardb", "1000000000000001", db_user,
        node_id, "write"};

    if (batch != NULL)
        batch_add(batch, FAMILY_USER_SESSION_COUNT, values, total);
}

/* Of every optional family a sample; of the limited ones three series have no room. */
static void add_optional(struct batch *batch)
{
    const char *node[] = {"rm-test1", "orders", "rds", "1000000000000001", "", "write"};
    const char *keyed[] = {"rm-test1", "orders", "rds", "1000000000000001", "a \"key\"", "", "write"};
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT && batch != NULL; id++) {
        const struct family *family = family_get((enum family_id)id);

        if (family->optional == 0)
            continue;
        batch_add(batch, (enum family_id)id, family->limited ? keyed : node, 7 + id);
        if (family->limited)
            batch_add_overflowed(batch, (enum family_id)id, 3);
    }
}

static struct batch *rds_batch(void)
{
    struct batch *batch = batch_new();

    add_sessions(batch, "rm-test1", "orders", "report", "", 0);
    add_sessions(batch, "rm-test1", "orders", "app", "", 42);
    add_optional(batch);
    return sealed(batch);
}

static struct batch *polardb_batch(void)
{
    struct batch *batch = batch_new();

    add_sessions(batch, "pc-test1", "ledger \"main\"\n\\", "\xE4\xB8\xAD\xE6\x96\x87", "pi-test1", 1);
    add_sessions(batch, "pc-test1", "ledger \"main\"\n\\", "broken\xE4\xB8", "pi-test1", 2);
    return sealed(batch);
}

static struct batch *limits_batch(void)
{
    struct batch *batch = batch_new();

    if (batch != NULL) {
        batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, (const char *[]){"rm-test1", "app"}, 100);
        batch_add(batch, FAMILY_MAX_USER_CONNECTIONS, (const char *[]){"rm-test1", "report"}, 0);
    }
    return sealed(batch);
}

static bool put(struct registry *registry, const struct registry_key *key, struct batch *batch,
                int64_t unix_ms, bool then_fails)
{
    struct registry_slot *slot = registry_add(registry, key);

    if (slot == NULL || batch == NULL) {
        batch_put(batch);
        return false;
    }
    registry_put(registry, slot, batch, CLOCK_NEVER, unix_ms);
    if (then_fails)
        registry_fail(registry, slot);
    return true;
}

struct registry *example_registry(void)
{
    const struct registry_key never_asked = {"rm-test2", "", "1000000000000002"};
    const struct registry_key rds = {"rm-test1", "", "1000000000000001"};
    const struct registry_key polardb = {"pc-test1", "pi-test1", "1000000000000001"};
    struct registry *registry = registry_new();
    struct self_metrics self;

    if (registry == NULL)
        return NULL;
    example_self_metrics(&self);
    if (registry_add(registry, &never_asked) != NULL &&
        put(registry, &rds, rds_batch(), 1735787040000, false) &&
        put(registry, &polardb, polardb_batch(), 1735787000500, true) &&
        put(registry, NULL, limits_batch(), 1735787045678, false) && registry_publish(registry, 0, &self))
        return registry;
    registry_free(registry);
    return NULL;
}
