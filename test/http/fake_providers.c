#include "test/http/fake_providers.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/thread.h"

static struct snapshot *give_snapshot(void *context)
{
    struct fake *fake = context;

    return fake->out_of_memory ? NULL : snapshot_get(fake->front);
}

static bool give_status(void *context, struct status *status)
{
    struct fake *fake = context;

    if (fake->no_status)
        return false;
    status->targets = fake->targets;
    status->target_count = fake->target_count;
    status->accounts = fake->accounts;
    status->account_count = fake->account_count;
    status->taken_unix_ms = FAKE_NOW_UNIX_MS;
    status->inventory_loaded = true;
    status->inventory = fake->inventory;
    status->reload = fake->reload;
    memcpy(status->rejected, fake->rejected, sizeof(status->rejected));
    status->first_cycle_done = true;
    return true;
}

static bool give_healthy(void *context, char *why, size_t size)
{
    struct fake *fake = context;

    if (!fake->healthy)
        snprintf(why, size, "the scheduler made no progress for 60 s");
    return fake->healthy;
}

static bool give_ready(void *context, char *why, size_t size)
{
    struct fake *fake = context;

    if (!fake->ready)
        snprintf(why, size, "waiting for the inventory");
    return fake->ready;
}

static enum refresh_answer give_refresh(void *context, const struct refresh_filter *filter, int64_t wait_ns,
                                        struct refresh_progress *progress)
{
    struct fake *fake = context;
    int64_t deadline = clock_add(clock_now(), wait_ns);

    mutex_lock(&fake->mutex);
    fake->filter = *filter;
    fake->wait_ns = wait_ns;
    mutex_unlock(&fake->mutex);
    *progress = fake->progress;
    atomic_fetch_add(&fake->refreshes, 1);
    while (fake->refresh_blocks && !atomic_load(&fake->released) && clock_now() < deadline)
        usleep(1000);
    return fake->refresh_answer;
}

static bool give_refresh_progress(void *context, const char *id, struct refresh_progress *progress)
{
    struct fake *fake = context;

    *progress = fake->progress;
    return strcmp(id, fake->progress.id) == 0;
}

static bool give_reload(void *context, struct error *error)
{
    struct fake *fake = context;

    atomic_fetch_add(&fake->reloads, 1);
    if (fake->reload_error != NULL)
        error_set(error, ERROR_CONFIG, "%s", fake->reload_error);
    return fake->reload_error == NULL;
}

static struct snapshot *page_of(size_t size)
{
    size_t ends[FAMILY_COUNT];
    struct strbuf lines;

    strbuf_init(&lines, 0);
    for (uint64_t i = 0; lines.length < size; i++) {
        strbuf_append_text(&lines, "db_user_session_count{ins_id=\"rm-test");
        strbuf_append_uint(&lines, i);
        strbuf_append_text(&lines, "\"} 7\n");
    }
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        ends[i] = lines.length;
    return snapshot_new(&lines, ends);
}

void fake_init(struct fake *fake, size_t page_size)
{
    memset(fake, 0, sizeof(*fake));
    fake->providers = (struct providers){
        .context = fake,
        .version = "1.2.3",
        .revision = "0123456789ab",
        .start_unix_ms = FAKE_START_UNIX_MS,
        .snapshot = give_snapshot,
        .status = give_status,
        .healthy = give_healthy,
        .ready = give_ready,
        .refresh = give_refresh,
        .refresh_progress = give_refresh_progress,
        .reload = give_reload,
    };
    fake->front = page_of(page_size);
    assert(fake->front != NULL);
    pthread_mutex_init(&fake->mutex, NULL);
    fake->healthy = true;
    fake->ready = true;
    fake->refresh_answer = REFRESH_ACCEPTED;
    fake->progress = (struct refresh_progress){
        .id = "00112233445566778899aabbccddeeff",
        .state = REFRESH_RUNNING,
        .targets = 10,
        .done = 4,
        .failed = 1,
        .estimated = 12500 * NS_PER_MS,
        .elapsed = 3 * NS_PER_SECOND,
    };
}

void fake_release(struct fake *fake)
{
    snapshot_put(fake->front);
    pthread_mutex_destroy(&fake->mutex);
}

struct target_status fake_target(const char *ins_id, const char *ins_name)
{
    return (struct target_status){
        .ins_id = ins_id,
        .ins_name = ins_name,
        .ins_type = "rds",
        .node_id = "",
        .node_type = NODE_TYPE_WRITE,
        .aliyun_uid = "1000000000000001",
        .state = TARGET_WAITING,
        .up = true,
        .last_success_unix_ms = FAKE_NOW_UNIX_MS - 42000,
        .next_run_unix_ms = FAKE_NOW_UNIX_MS + 18000,
    };
}

struct web_config fake_web(const char *listen)
{
    return (struct web_config){
        .listen = listen,
        .tls_cert_file = "",
        .tls_key_file = "",
        .tls_client_ca_file = "",
        .basic_auth_file = "",
        .external_url = "",
        .route_prefix = "",
        .admin_token = "",
    };
}
