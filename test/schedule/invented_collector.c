#include "test/schedule/invented_collector.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"

struct invented_client {
    CURL *easy;
    char endpoint[128];
    atomic_bool aborted;
};

/* What arrived of an answer; a longer one is none of this API. */
struct answer {
    char text[64];
    size_t length;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct answer *answer = context;

    (void)size;
    if (count >= sizeof(answer->text) - answer->length)
        return 0;
    memcpy(answer->text + answer->length, bytes, count);
    answer->length += count;
    return count;
}

static int is_aborted(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct invented_client *client = context;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&client->aborted);
}

static void *open_client(const struct config *config, struct error *error)
{
    struct invented_client *client = calloc(1, sizeof(*client));

    if (client != NULL)
        client->easy = curl_easy_init();
    if (client == NULL || client->easy == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory");
        free(client);
        return NULL;
    }
    snprintf(client->endpoint, sizeof(client->endpoint), "%s", config->das.endpoint);
    curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(client->easy, CURLOPT_XFERINFOFUNCTION, is_aborted);
    curl_easy_setopt(client->easy, CURLOPT_XFERINFODATA, client);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, take_body);
    return client;
}

static void close_client(void *context)
{
    struct invented_client *client = context;

    curl_easy_cleanup(client->easy);
    free(client);
}

static void abort_client(void *context)
{
    struct invented_client *client = context;

    atomic_store(&client->aborted, true);
}

static struct batch *render(const struct target *target, int64_t sessions)
{
    const struct instance *instance = target->instance;
    const char *labels[FAMILY_LABELS_MAX] = {instance->ins_id,
                                             instance->ins_name,
                                             instance->ins_type,
                                             instance->aliyun_uid,
                                             "everybody",
                                             target->node_id,
                                             node_type_name(target->node_type)};
    struct batch *batch = batch_new();

    if (batch == NULL)
        return NULL;
    batch_add(batch, FAMILY_USER_SESSION_COUNT, labels, sessions);
    if (batch_seal(batch, NULL))
        return batch;
    batch_put(batch);
    return NULL;
}

static void read_answer(const struct target *target, const struct answer *answer, struct step_result *result)
{
    long long sessions;

    if (sscanf(answer->text, "sessions=%lld", &sessions) != 1) {
        error_set(&result->error, ERROR_MALFORMED, "the answer is not sessions=NUMBER");
        return;
    }
    result->batch = render(target, sessions);
    if (result->batch != NULL)
        result->outcome = STEP_FINISHED;
    else
        error_set(&result->error, ERROR_NO_MEMORY, "out of memory");
}

static void make_step(void *context, const struct step *step, struct step_result *result)
{
    struct invented_client *client = context;
    struct answer answer = {.length = 0};
    int64_t start = clock_now();
    CURLcode code;
    char url[256];

    snprintf(url, sizeof(url), "%s/sessions/%s", client->endpoint, step->target->instance->ins_id);
    curl_easy_setopt(client->easy, CURLOPT_URL, url);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, &answer);
    code = curl_easy_perform(client->easy);
    *result = (struct step_result){
        .outcome = STEP_FAILED,
        .retry_after_ms = -1,
        .duration = clock_now() - start,
        .sent = true,
        .answered = code == CURLE_OK,
    };
    if (code == CURLE_OK)
        read_answer(step->target, &answer, result);
    else
        error_set(&result->error, ERROR_TRANSIENT, "%s", curl_easy_strerror(code));
}

const struct collector invented_collector = {
    .metric = METRIC_USER_SESSION_COUNT,
    .calls_per_result = 1000,
    .open = open_client,
    .close = close_client,
    .step = make_step,
    .abort = abort_client,
};
