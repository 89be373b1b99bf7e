/*
 * What the tests of the configuration share: a folder of their own to load files from. Each test
 * program includes it once.
 */
#ifndef TEST_CONFIG_CONFIG_FIXTURE_H
#define TEST_CONFIG_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "core/file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The smallest file that loads; "[inventory]" is its first line. */
#define MINIMAL "[inventory]\nsource = file\n"
#define ACCOUNT "[account 1000000000000001]\naccess_key_id = id\naccess_key_secret = canary-secret\n"
#define CONFIG  "exporter.ini"

static char folder[] = "/tmp/test_config_XXXXXX";

/* Every test runs inside the folder, so that paths in messages are short and known. */
static inline int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    static const char *const names[] = {CONFIG, "secret", "other.ini", "sub/exporter.ini", "sub/secret"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(names[i]);
    rmdir("sub");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static inline void write_bytes(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static inline struct config *load(const char *text)
{
    struct error error = {.class = ERROR_NONE};
    struct config *config;

    write_text(CONFIG, text);
    config = config_load(CONFIG, &error);
    if (config == NULL)
        fail_msg("%s", error.message);
    return config;
}

static inline void assert_refused(const char *text, const char *message)
{
    struct error error = {.class = ERROR_NONE};

    write_text(CONFIG, text);
    assert_null(config_load(CONFIG, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.class, ERROR_CONFIG);
}

struct refusal {
    const char *text;
    const char *message;
};

static inline void assert_all_refused(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(cases[i].text, cases[i].message);
}

#ifdef PROJECT_SOURCE_DIR
static inline char *read_source_file(const char *name)
{
    char path[1024];
    struct strbuf text;
    size_t length;
    struct error error;

    snprintf(path, sizeof(path), "%s/%s", PROJECT_SOURCE_DIR, name);
    strbuf_init(&text, 0);
    if (!file_read(path, &text, &error))
        fail_msg("%s", error.message);
    return strbuf_detach(&text, &length);
}
#endif

#endif
