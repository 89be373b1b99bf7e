#include "test/das/keyring/keyring_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/strbuf.h"
#include "core/thread.h"
#include "das/client.h"
#include "das/transport.h"
#include "test/das/server_process.h"

#define TOLD_MAX 4096
#define PATIENCE (20 * NS_PER_SECOND)

static struct server_process *server;
static char folder[64];
static struct keyring *keyring;
static bool started;

/* What the sink was told. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told_something;
static char told[TOLD_MAX][32]; /* the last ones, in a ring */
static unsigned told_count;

int keyring_tests_start(void **state)
{
    struct error error;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    snprintf(folder, sizeof(folder), "/tmp/test_keyring_XXXXXX");
    if (mkdtemp(folder) == NULL || !cond_init(&told_something) || !das_global_init(&error))
        return -1;
    server = server_process_start();
    return server != NULL ? 0 : -1;
}

int keyring_tests_stop(void **state)
{
    DIR *entries = opendir(folder);

    (void)state;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    rmdir(folder);
    server_process_stop(server);
    das_global_release();
    return 0;
}

int keyring_test_teardown(void **state)
{
    (void)state;
    if (keyring != NULL && started)
        keyring_stop(keyring);
    keyring_free(keyring);
    keyring = NULL;
    started = false;
    told_count = 0;
    return 0;
}

static void on_changed(void *context, const char *aliyun_uid)
{
    (void)context;
    mutex_lock(&mutex);
    snprintf(told[told_count++ % TOLD_MAX], sizeof(told[0]), "%s", aliyun_uid);
    pthread_cond_broadcast(&told_something);
    mutex_unlock(&mutex);
}

/* The mutex is held. */
static unsigned count_told(const char *aliyun_uid)
{
    unsigned count = 0;

    for (unsigned i = 0; i < told_count && i < TOLD_MAX; i++)
        count += strcmp(told[i], aliyun_uid) == 0 ? 1 : 0;
    return count;
}

unsigned keyring_test_told(const char *aliyun_uid, unsigned least)
{
    int64_t deadline = clock_now() + PATIENCE;
    bool in_time = true;
    unsigned count;

    mutex_lock(&mutex);
    while ((count = count_told(aliyun_uid)) < least && in_time)
        in_time = cond_wait_until(&told_something, &mutex, deadline);
    mutex_unlock(&mutex);
    return count;
}

void keyring_test_write(const char *name, const char *content)
{
    char path[128], temporary[140];
    int file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content));
    close(file);
    assert_int_equal(rename(temporary, path), 0);
}

static void append_place(const char *name, size_t length, struct strbuf *out)
{
    static const struct {
        const char *name, *scheme, *listener, *path;
    } places[] = {
        {"sts", "https", "good", ""},
        {"uri", "https", "good", "/?InstanceId=credentials"},
        {"metadata", "http", "metadata", ""},
        {"mute", "https", "mute", ""},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strlen(places[i].name) == length && strncmp(name, places[i].name, length) == 0) {
            strbuf_append_format(out, "%s://localhost:%d%s", places[i].scheme,
                                 server_process_port(server, places[i].listener), places[i].path);
            return;
        }
    }
    if (length == 3 && strncmp(name, "dir", length) == 0)
        strbuf_append_text(out, folder);
    else
        strbuf_append_format(out, "{%.*s}", (int)length, name);
}

static void expand(const char *text, struct strbuf *out)
{
    for (const char *open = strchr(text, '{'); open != NULL; open = strchr(text, '{')) {
        size_t length = strcspn(open + 1, "}");

        strbuf_append(out, text, (size_t)(open - text));
        append_place(open + 1, length, out);
        text = open + length + 2;
    }
    strbuf_append_text(out, text);
}

struct config *keyring_test_config(const char *text)
{
    struct config *config;
    struct strbuf ini;
    struct error error;
    char path[128];

    strbuf_init(&ini, 0);
    /* The accounts table is in the inventory database, which nobody asks here. */
    strbuf_append_format(&ini, "%s[das]\nca_file = %s\n",
                         strstr(text, "source = database") != NULL
                             ? "[mysql]\nhost = 192.0.2.1\nuser = u\ndatabase = d\n"
                             : "[inventory]\nsource = file\nfile = none.ini\n",
                         server_process_ca_file(server));
    expand(text, &ini);
    keyring_test_write("exporter.ini", strbuf_text(&ini));
    strbuf_release(&ini);
    snprintf(path, sizeof(path), "%s/exporter.ini", folder);
    config = config_load(path, &error);
    if (config == NULL)
        fail_msg("%s", error.message);
    return config;
}

struct keyring *keyring_test_new(const char *text, bool start)
{
    const struct keyring_sink sink = {NULL, on_changed};
    struct config *config = keyring_test_config(text);
    struct error error;

    keyring = keyring_new(config, &sink, 7);
    config_put(config);
    assert_non_null(keyring);
    started = start;
    if (start && !keyring_start(keyring, &error))
        fail_msg("%s", error.message);
    return keyring;
}

const char *keyring_test_key(const char *aliyun_uid)
{
    static char key[64];
    struct keyring_entry entry;

    keyring_lookup(keyring, aliyun_uid, &entry);
    snprintf(key, sizeof(key), "%s", entry.credentials != NULL ? entry.credentials->access_key_id : "");
    keyring_entry_release(&entry);
    return key;
}

static bool has_other_key(const char *aliyun_uid, enum error_class class, const char *than)
{
    const char *key = keyring_test_key(aliyun_uid);

    (void)class;
    return key[0] != '\0' && strcmp(key, than) != 0;
}

static bool has_error(const char *aliyun_uid, enum error_class class, const char *part)
{
    struct keyring_entry entry;
    bool found;

    keyring_lookup(keyring, aliyun_uid, &entry);
    found = entry.error.class == class && strstr(entry.error.message, part) != NULL;
    keyring_entry_release(&entry);
    return found;
}

/* Looks again whenever the sink is told. */
static void await(bool (*holds)(const char *, enum error_class, const char *), const char *aliyun_uid,
                  enum error_class class, const char *text)
{
    int64_t deadline = clock_now() + PATIENCE;
    struct keyring_entry entry;
    bool in_time = true;
    unsigned seen;

    for (;;) {
        mutex_lock(&mutex);
        seen = told_count;
        mutex_unlock(&mutex);
        if (holds(aliyun_uid, class, text))
            return;
        mutex_lock(&mutex);
        while (seen == told_count && in_time)
            in_time = cond_wait_until(&told_something, &mutex, deadline);
        mutex_unlock(&mutex);
        if (!in_time)
            break;
    }
    keyring_lookup(keyring, aliyun_uid, &entry);
    fail_msg("%s has the key '%s', and the error: %s, %s", aliyun_uid,
             entry.credentials != NULL ? entry.credentials->access_key_id : "",
             error_class_name(entry.error.class), entry.error.message);
}

void await_key(const char *aliyun_uid, const char *than)
{
    char copy[64];

    snprintf(copy, sizeof(copy), "%s", than);
    await(has_other_key, aliyun_uid, ERROR_NONE, copy);
}

void await_error(const char *aliyun_uid, enum error_class class, const char *part)
{
    await(has_error, aliyun_uid, class, part);
}

int64_t keyring_test_requests(const char *role)
{
    const struct transport_settings settings = {
        .connect_timeout = PATIENCE,
        .timeout = PATIENCE,
        .max_response_size = 1 << 20,
        .ca_file = server_process_ca_file(server),
    };
    struct transport_request request = {.method = TRANSPORT_GET, .header_lines = ""};
    struct transport_response response;
    struct transport *transport;
    struct error error;
    char url[128];
    json_t *counts;
    int64_t count;

    transport = transport_new(&settings, &error);
    assert_non_null(transport);
    snprintf(url, sizeof(url), "https://localhost:%d/?InstanceId=counts",
             server_process_port(server, "good"));
    request.url = url;
    transport_response_init(&response);
    assert_true(transport_send(transport, &request, &response, &error));
    counts = json_loadb(strbuf_text(&response.body), response.body.length, 0, NULL);
    count = json_integer_value(json_object_get(counts, role));
    json_decref(counts);
    transport_response_release(&response);
    transport_free(transport);
    return count;
}
