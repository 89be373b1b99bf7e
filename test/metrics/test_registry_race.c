/*
 * Readers against a writer that publishes without pause. Every page carries one generation
 * number in all its samples, so a reader that saw half of a page would see two.
 */
#include "metrics/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"
#include "test/metrics/allocations.h"
#include "test/metrics/page_check.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define PUBLISHES 5000
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define PUBLISHES 5000
#endif
#endif
#ifndef PUBLISHES
#define PUBLISHES 100000
#endif

#define READERS 3
#define SLOTS   4
#define UID     "1000000000000001"

struct race {
    struct registry *registry;
    struct registry_slot *slots[SLOTS];
    atomic_bool done;
    atomic_long torn;     /* pages with more than one generation, or with a part missing */
    atomic_long backward; /* pages older than one seen before by the same reader */
    atomic_long reads;
};

static const char *const ins_ids[SLOTS] = {"rm-test1", "rm-test2", "rm-test3", "rm-test4"};

static struct batch *make_batch(const char *ins_id, int64_t generation)
{
    struct batch *batch = batch_new();

    batch_add(batch, FAMILY_USER_SESSION_COUNT,
              (const char *[]){ins_id, "orders", "rds", UID, "app", "", "write"}, generation);
    if (!batch_seal(batch, NULL))
        abort();
    return batch;
}

static void publish_generation(struct race *race, int64_t generation)
{
    const struct self_metrics self = {
        .queue_length = (uint64_t)generation, .version = "0.1.0", .revision = "0"};
    int i;

    for (i = 0; i < SLOTS; i++)
        registry_put(race->registry, race->slots[i], make_batch(ins_ids[i], generation), CLOCK_NEVER, 1);
    if (!registry_publish(race->registry, 0, &self))
        abort();
}

/* The generation of a page; -1 when it shows none or several. */
static int64_t read_generation(const char *page)
{
    static const char start[] = "\nsession_exporter_queue_length ";
    const char *queue_length = strstr(page, start);
    const char *at = page;
    int64_t generation;
    int samples = 0;

    if (queue_length == NULL || strcmp(page + strlen(page) - 6, "# EOF\n") != 0)
        return -1;
    generation = strtoll(queue_length + sizeof(start) - 1, NULL, 10);
    for (; (at = strstr(at, "node_type=\"write\"} ")) != NULL; at++, samples++) {
        if (strtoll(at + 19, NULL, 10) != generation)
            return -1;
    }
    return samples == SLOTS ? generation : -1;
}

static int64_t read_page(struct race *race, bool compress)
{
    struct snapshot *snapshot = registry_snapshot(race->registry);
    struct snapshot_part gzip;
    struct strbuf page;
    int64_t generation;

    strbuf_init(&page, 0);
    page_of_snapshot(snapshot, EXPOSITION_OPENMETRICS, &page);
    if (compress && !snapshot_gzip(snapshot, EXPOSITION_OPENMETRICS, &gzip))
        abort();
    snapshot_put(snapshot);
    generation = read_generation(strbuf_text(&page));
    strbuf_release(&page);
    return generation;
}

static void *read_pages(void *argument)
{
    struct race *race = argument;
    int64_t newest = 0;
    int64_t generation;
    long reads = 0;

    while (!atomic_load(&race->done)) {
        generation = read_page(race, reads++ % 64 == 0);
        if (generation < 0)
            atomic_fetch_add(&race->torn, 1);
        else if (generation < newest)
            atomic_fetch_add(&race->backward, 1);
        else
            newest = generation;
    }
    atomic_fetch_add(&race->reads, reads);
    return NULL;
}

static void run_race(struct race *race)
{
    pthread_t readers[READERS];
    int64_t generation = 1;
    int i;

    publish_generation(race, generation);
    for (i = 0; i < READERS; i++)
        assert_true(thread_start(&readers[i], "reader", read_pages, race, NULL));
    while (generation < PUBLISHES)
        publish_generation(race, ++generation);
    atomic_store(&race->done, true);
    for (i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
}

static void test_readers_never_see_half_a_page_and_no_reference_is_lost(void **state)
{
    long live_before = allocations_live();
    struct race race = {.registry = registry_new()};
    int i;

    (void)state;
    for (i = 0; i < SLOTS; i++)
        race.slots[i] = registry_add(race.registry, &(const struct registry_key){ins_ids[i], "", UID});
    run_race(&race);
    assert_int_equal(atomic_load(&race.torn), 0);
    assert_int_equal(atomic_load(&race.backward), 0);
    assert_true(atomic_load(&race.reads) > READERS);
    assert_int_equal(read_page(&race, false), PUBLISHES);
    registry_free(race.registry);
    assert_int_equal(allocations_live(), live_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_never_see_half_a_page_and_no_reference_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
