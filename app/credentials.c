/* Between the keyring and the scheduler. */
#include "app/runtime_state.h"

#include "core/log.h"

static void lookup_credentials(void *context, const char *aliyun_uid, struct keyring_entry *entry)
{
    struct runtime *runtime = context;

    keyring_lookup(runtime->keyring, aliyun_uid, entry);
}

static bool credentials_refused(void *context, const char *aliyun_uid, const struct credentials *refused)
{
    struct runtime *runtime = context;

    return keyring_refused(runtime->keyring, aliyun_uid, refused);
}

void runtime_connect_keyring(struct runtime *runtime, struct scheduler_parts *parts)
{
    parts->lookup_credentials = lookup_credentials;
    parts->credentials_refused = credentials_refused;
    parts->credentials_context = runtime;
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
