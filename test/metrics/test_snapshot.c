#include "metrics/snapshot.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/thread.h"
#include "test/metrics/page_check.h"

#define READERS 4

/* While it is set, a compression reports its beginning and waits to be let go. */
static atomic_bool held;
static sem_t begun, let_go;

int __real_deflate(z_stream *stream, int flush);
int __wrap_deflate(z_stream *stream, int flush);

int __wrap_deflate(z_stream *stream, int flush)
{
    if (atomic_exchange(&held, false)) {
        sem_post(&begun);
        sem_wait(&let_go);
    }
    return __real_deflate(stream, flush);
}

/* A page with one line of each of two families. */
static struct snapshot *two_families(void)
{
    size_t ends[FAMILY_COUNT];
    struct strbuf lines;
    struct snapshot *snapshot;
    int id;

    strbuf_init(&lines, 0);
    for (id = 0; id < FAMILY_COUNT; id++) {
        if (id == FAMILY_QUEUE_LENGTH)
            exposition_sample_int(&lines, FAMILY_QUEUE_LENGTH, NULL, 5);
        if (id == FAMILY_API_THROTTLED)
            exposition_sample_int(&lines, FAMILY_API_THROTTLED, (const char *[]){"1"}, 2);
        ends[id] = lines.length;
    }
    snapshot = snapshot_new(&lines, ends);
    assert_non_null(snapshot);
    assert_null(lines.data);
    return snapshot;
}

static struct snapshot *no_families(void)
{
    const size_t ends[FAMILY_COUNT] = {0};
    struct strbuf lines;

    strbuf_init(&lines, 0);
    return snapshot_new(&lines, ends);
}

static void assert_valid(struct snapshot *snapshot, enum exposition_format format)
{
    struct strbuf page;
    char why[128] = "";

    strbuf_init(&page, 0);
    page_of_snapshot(snapshot, format, &page);
    if (!page_check(strbuf_text(&page), page.length, format, why, sizeof(why)))
        fail_msg("%s in\n%s", why, strbuf_text(&page));
    strbuf_release(&page);
}

static void gunzip(struct snapshot_part gzip, struct strbuf *out)
{
    z_stream stream = {0};
    unsigned char chunk[4096];
    int status = Z_OK;

    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (const unsigned char *)gzip.bytes;
    stream.avail_in = (unsigned)gzip.length;
    while (status == Z_OK) {
        stream.next_out = chunk;
        stream.avail_out = sizeof(chunk);
        status = inflate(&stream, Z_NO_FLUSH);
        strbuf_append(out, chunk, sizeof(chunk) - stream.avail_out);
    }
    assert_int_equal(status, Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
}

static void test_both_formats_are_valid(void **state)
{
    struct snapshot *snapshot = two_families();

    (void)state;
    assert_valid(snapshot, EXPOSITION_TEXT);
    assert_valid(snapshot, EXPOSITION_OPENMETRICS);
    snapshot_put(snapshot);
}

static void test_families_without_lines_are_left_out(void **state)
{
    struct snapshot *snapshot = two_families();
    struct strbuf page;

    (void)state;
    strbuf_init(&page, 0);
    page_of_snapshot(snapshot, EXPOSITION_TEXT, &page);
    assert_int_equal(page_count_lines(&page, "# TYPE "), 2);
    strbuf_release(&page);
    snapshot_put(snapshot);
}

static void test_length_is_the_sum_of_the_parts(void **state)
{
    struct snapshot *snapshot = two_families();
    const struct snapshot_part *parts;
    size_t count;
    size_t length;
    size_t sum = 0;

    (void)state;
    parts = snapshot_parts(snapshot, EXPOSITION_OPENMETRICS, &count, &length);
    while (count-- > 0)
        sum += parts[count].length;
    assert_int_equal(sum, length);
    snapshot_put(snapshot);
}

static void test_formats_share_the_sample_lines(void **state)
{
    struct snapshot *snapshot = two_families();
    const struct snapshot_part *text;
    const struct snapshot_part *openmetrics;
    size_t count;
    size_t length;

    (void)state;
    text = snapshot_parts(snapshot, EXPOSITION_TEXT, &count, &length);
    openmetrics = snapshot_parts(snapshot, EXPOSITION_OPENMETRICS, &count, &length);
    assert_ptr_equal(text[1].bytes, openmetrics[1].bytes);
    snapshot_put(snapshot);
}

static void test_empty_text_page_has_no_bytes(void **state)
{
    struct snapshot *snapshot = no_families();
    size_t count;
    size_t length;

    (void)state;
    snapshot_parts(snapshot, EXPOSITION_TEXT, &count, &length);
    assert_int_equal(length, 0);
    assert_int_equal(count, 0);
    snapshot_put(snapshot);
}

static void test_empty_openmetrics_page_is_eof(void **state)
{
    struct snapshot *snapshot = no_families();
    struct strbuf page;

    (void)state;
    strbuf_init(&page, 0);
    page_of_snapshot(snapshot, EXPOSITION_OPENMETRICS, &page);
    assert_string_equal(strbuf_text(&page), "# EOF\n");
    strbuf_release(&page);
    snapshot_put(snapshot);
}

static void test_failed_lines_make_no_snapshot(void **state)
{
    size_t ends[FAMILY_COUNT] = {0};
    struct strbuf lines;

    (void)state;
    strbuf_init(&lines, 4);
    strbuf_append_text(&lines, "abc");
    strbuf_append_text(&lines, "too long");
    assert_null(snapshot_new(&lines, ends));
    assert_null(lines.data);
}

static void assert_gzip_is_the_page(struct snapshot *snapshot, enum exposition_format format)
{
    struct snapshot_part gzip;
    struct strbuf page;
    struct strbuf unpacked;

    strbuf_init(&page, 0);
    strbuf_init(&unpacked, 0);
    page_of_snapshot(snapshot, format, &page);
    assert_true(snapshot_gzip(snapshot, format, &gzip));
    gunzip(gzip, &unpacked);
    assert_string_equal(strbuf_text(&unpacked), strbuf_text(&page));
    strbuf_release(&page);
    strbuf_release(&unpacked);
}

static void test_gzip_holds_the_page(void **state)
{
    struct snapshot *snapshot = two_families();

    (void)state;
    assert_gzip_is_the_page(snapshot, EXPOSITION_TEXT);
    assert_gzip_is_the_page(snapshot, EXPOSITION_OPENMETRICS);
    snapshot_put(snapshot);
}

static void test_gzip_of_an_empty_page(void **state)
{
    struct snapshot *snapshot = no_families();

    (void)state;
    assert_gzip_is_the_page(snapshot, EXPOSITION_TEXT);
    snapshot_put(snapshot);
}

static void test_gzip_of_a_page_larger_than_its_buffers(void **state)
{
    size_t ends[FAMILY_COUNT];
    struct snapshot *snapshot;
    struct strbuf lines;
    int id;
    int i;

    (void)state;
    strbuf_init(&lines, 0);
    for (i = 0; i < 20000; i++) {
        strbuf_append_text(&lines, "session_exporter_queue_length");
        strbuf_append_format(&lines, " %d\n", (int)((unsigned)i * 2654435761U >> 1));
    }
    for (id = 0; id < FAMILY_COUNT; id++)
        ends[id] = id < FAMILY_QUEUE_LENGTH ? 0 : lines.length;
    snapshot = snapshot_new(&lines, ends);
    assert_gzip_is_the_page(snapshot, EXPOSITION_TEXT);
    snapshot_put(snapshot);
}

static void *read_gzip(void *snapshot)
{
    struct snapshot_part *gzip = calloc(1, sizeof(*gzip));

    if (!snapshot_gzip(snapshot, EXPOSITION_TEXT, gzip))
        gzip->bytes = NULL;
    return gzip;
}

static void test_gzip_is_made_once_for_all_readers(void **state)
{
    struct snapshot *snapshot = two_families();
    struct snapshot_part *parts[READERS];
    pthread_t readers[READERS];
    void *result;
    int i;

    (void)state;
    for (i = 0; i < READERS; i++)
        assert_true(thread_start(&readers[i], "reader", read_gzip, snapshot, NULL));
    for (i = 0; i < READERS; i++) {
        pthread_join(readers[i], &result);
        parts[i] = result;
        assert_non_null(parts[i]->bytes);
        assert_ptr_equal(parts[i]->bytes, parts[0]->bytes);
    }
    for (i = 0; i < READERS; i++)
        free(parts[i]);
    snapshot_put(snapshot);
}

static void *read_openmetrics_gzip(void *snapshot)
{
    struct snapshot_part gzip;

    return snapshot_gzip(snapshot, EXPOSITION_OPENMETRICS, &gzip) ? snapshot : NULL;
}

/* With one lock for both it would never end. */
static void test_one_format_does_not_wait_for_the_compression_of_the_other(void **state)
{
    struct snapshot *snapshot = two_families();
    pthread_t reader;
    void *result;

    (void)state;
    sem_init(&begun, 0, 0);
    sem_init(&let_go, 0, 0);
    atomic_store(&held, true);
    assert_true(thread_start(&reader, "reader", read_openmetrics_gzip, snapshot, NULL));
    sem_wait(&begun);
    assert_gzip_is_the_page(snapshot, EXPOSITION_TEXT);
    sem_post(&let_go);
    pthread_join(reader, &result);
    assert_ptr_equal(result, snapshot);
    sem_destroy(&begun);
    sem_destroy(&let_go);
    snapshot_put(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_formats_are_valid),
        cmocka_unit_test(test_families_without_lines_are_left_out),
        cmocka_unit_test(test_length_is_the_sum_of_the_parts),
        cmocka_unit_test(test_formats_share_the_sample_lines),
        cmocka_unit_test(test_empty_text_page_has_no_bytes),
        cmocka_unit_test(test_empty_openmetrics_page_is_eof),
        cmocka_unit_test(test_failed_lines_make_no_snapshot),
        cmocka_unit_test(test_gzip_holds_the_page),
        cmocka_unit_test(test_gzip_of_an_empty_page),
        cmocka_unit_test(test_gzip_of_a_page_larger_than_its_buffers),
        cmocka_unit_test(test_gzip_is_made_once_for_all_readers),
        cmocka_unit_test(test_one_format_does_not_wait_for_the_compression_of_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
