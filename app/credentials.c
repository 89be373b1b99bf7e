/* Between the keyring and the scheduler. */
#include "app/runtime_state.h"

#include "core/log.h"

static void lookup_credentials(void *context, const char *aliyun_uid, struct account_credentials *known)
{
    struct runtime *runtime = context;
    struct keyring_entry entry;

    keyring_lookup(runtime->keyring, aliyun_uid, &entry);
    *known = (struct account_credentials){
        .kind = entry.kind,
        .credentials = entry.credentials,
        .expiry_unix_ms = entry.expiry_unix_ms,
        .error = entry.error,
    };
}

static bool credentials_refused(void *context, const char *aliyun_uid, const struct credentials *refused)
{
    struct runtime *runtime = context;

    return keyring_refused(runtime->keyring, aliyun_uid, refused);
}

struct credentials_source runtime_credentials_source(struct runtime *runtime)
{
    return (struct credentials_source){
        .context = runtime, .lookup = lookup_credentials, .refused = credentials_refused};
}

struct credentials_news {
    struct runtime *runtime;
    const char *aliyun_uid;
};

static void tell_scheduler(void *argument, int64_t now)
{
    struct credentials_news *news = argument;

    scheduler_credentials_changed(news->runtime->scheduler, news->aliyun_uid, now);
}

/* The scheduler may be busy for a while, but must not miss it. */
static void credentials_changed(void *context, const char *aliyun_uid)
{
    struct runtime *runtime = context;
    struct credentials_news news = {.runtime = runtime, .aliyun_uid = aliyun_uid};

    while (!scheduler_call(runtime->scheduler, tell_scheduler, &news) && !runtime_is_stopping(runtime))
        log_warn("the scheduler is too busy for new credentials; once more",
                 log_text("aliyun_uid", aliyun_uid));
}

struct keyring_sink runtime_keyring_sink(struct runtime *runtime)
{
    return (struct keyring_sink){.context = runtime, .changed = credentials_changed};
}
