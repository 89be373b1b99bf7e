/* The whole program: what reaches the scheduler, and what follows when something does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/runtime_state.h"
#include "db/rows.h"
#include "db/source.h"
#include "test/config/config_fixture.h"
#include "test/http/http_client.h"

#define INVENTORY "inventory.ini"

static struct runtime *runtime;
static atomic_uint calls_of_readers;
static _Thread_local bool scheduler_is_busy;

bool __real_scheduler_call(struct scheduler *scheduler, void (*run)(void *argument, int64_t now),
                           void *argument);
bool __wrap_scheduler_call(struct scheduler *scheduler, void (*run)(void *argument, int64_t now),
                           void *argument);

/* The publisher gathers its numbers once a second, the inventory thread brings the inventory. */
bool __wrap_scheduler_call(struct scheduler *scheduler, void (*run)(void *argument, int64_t now),
                           void *argument)
{
    char name[16] = "";

    pthread_getname_np(pthread_self(), name, sizeof(name));
    if (strcmp(name, "publisher") != 0 && strcmp(name, "inventory") != 0 && strncmp(name, "keyring", 7) != 0)
        atomic_fetch_add(&calls_of_readers, 1);
    return !scheduler_is_busy && __real_scheduler_call(scheduler, run, argument);
}

static int start_program(void **state)
{
    static const char text[] = "[web]\nlisten = 127.0.0.1:0\n"
                               "[inventory]\nsource = file\nfile = " INVENTORY "\n"
                               "[das]\nendpoint = http://127.0.0.1:1\n" ACCOUNT
                               "[account default]\naccess_key_id = id\naccess_key_secret = invented\n";
    static const char inventory[] = "[instance rm-test1]\nins_name = orders\nins_type = rds\n"
                                    "aliyun_uid = 1000000000000001\nins_is_readonly = 0\n";
    struct options options = {.config_file = CONFIG};
    struct config *config;
    struct error error;

    if (enter_folder(state) != 0)
        return -1;
    write_bytes(CONFIG, text, strlen(text));
    write_bytes(INVENTORY, inventory, strlen(inventory));
    log_set_level(LOG_LEVEL_ERROR + 1); /* nothing */
    if (!runtime_global_init(&error))
        return -1;
    config = runtime_load_config(&options, &error);
    runtime = config != NULL ? runtime_start(&options, config, &error) : NULL;
    config_put(config);
    if (runtime == NULL)
        print_error("%s\n", error.message);
    return runtime != NULL ? 0 : -1;
}

static int stop_program(void **state)
{
    bool stopped = runtime_stop(runtime);

    runtime_global_release();
    unlink(INVENTORY);
    return stopped && remove_folder(state) == 0 ? 0 : -1;
}

static int ask(const char *method, const char *target)
{
    struct http_answer answer;
    int status;

    fetch(server_port(runtime->server), method, target, "", &answer);
    status = answer.status;
    answer_release(&answer);
    return status;
}

static void await_inventory(void)
{
    struct status status;
    bool loaded = false;

    while (!loaded) {
        status_init(&status);
        status_board_expire(runtime->board);
        loaded = runtime->providers.status(runtime, &status) && status.inventory_loaded;
        status_release(&status);
    }
}

static void test_no_reader_runs_anything_on_the_schedulers_thread(void **state)
{
    static const char *const targets[] = {"/",
                                          "/metrics",
                                          "/targets",
                                          "/api/v1/overview",
                                          "/api/v1/targets",
                                          "/api/v1/targets?ins_id=rm-test1",
                                          "/-/healthy",
                                          "/health",
                                          "/-/ready",
                                          "/refresh/0000000000000000"};

    (void)state;
    atomic_store(&calls_of_readers, 0);
    for (size_t i = 0; i < COUNT(targets); i++)
        assert_int_not_equal(ask("GET", targets[i]), 0);
    assert_int_equal(atomic_load(&calls_of_readers), 0);
}

static void test_a_command_does(void **state)
{
    (void)state;
    await_inventory();
    atomic_store(&calls_of_readers, 0);
    assert_int_equal(ask("POST", "/refresh"), 202);
    assert_int_equal(atomic_load(&calls_of_readers), 1);
}

static void test_a_refresh_is_known_as_soon_as_it_is_answered(void **state)
{
    const struct refresh_filter filter = {.metric = METRIC_USER_SESSION_COUNT};
    struct refresh_progress started, found;

    (void)state;
    await_inventory();
    assert_int_equal(runtime->providers.refresh(runtime, &filter, 0, &started), REFRESH_ACCEPTED);
    assert_true(runtime->providers.refresh_progress(runtime, started.id, &found));
    assert_string_equal(found.id, started.id);
}

static struct inventory *inventory_of_two_accounts(void)
{
    static const char text[] = "[instance rm-test1]\nins_name = orders\nins_type = rds\n"
                               "aliyun_uid = 1000000000000001\nins_is_readonly = 0\n"
                               "[instance rm-test2]\nins_name = ledger\nins_type = rds\n"
                               "aliyun_uid = 1000000000000002\nins_is_readonly = 0\n";
    struct inventory *inventory;
    struct rows rows;
    struct error error;

    write_bytes("two.ini", text, strlen(text));
    rows_init(&rows);
    assert_int_equal(file_read_rows("two.ini", LOAD_INSTANCES, &rows, &error), LOAD_INSTANCES);
    inventory = inventory_build(&rows, "", 1, &error);
    rows_release(&rows);
    unlink("two.ini");
    assert_non_null(inventory);
    return inventory;
}

static enum credential_kind kind_of(const char *aliyun_uid)
{
    struct keyring_entry entry;
    enum credential_kind kind;

    keyring_lookup(runtime->keyring, aliyun_uid, &entry);
    kind = entry.kind;
    keyring_entry_release(&entry);
    return kind;
}

static void test_the_keyring_goes_back_when_the_scheduler_does_not_take_an_inventory(void **state)
{
    struct loader_sink sink = runtime_loader_sink(runtime);
    struct inventory *inventory = inventory_of_two_accounts();
    struct error error;

    (void)state;
    await_inventory();
    runtime_refuse_reloads(runtime); /* ends the patience with a busy scheduler */
    scheduler_is_busy = true;
    assert_false(sink.inventory_loaded(runtime, inventory, &error));
    scheduler_is_busy = false;
    assert_int_equal(kind_of("1000000000000002"), CREDENTIAL_NONE);
    assert_int_equal(kind_of("1000000000000001"), CREDENTIAL_STATIC);
    inventory_put(inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_reader_runs_anything_on_the_schedulers_thread),
        cmocka_unit_test(test_a_command_does),
        cmocka_unit_test(test_a_refresh_is_known_as_soon_as_it_is_answered),
        cmocka_unit_test(test_the_keyring_goes_back_when_the_scheduler_does_not_take_an_inventory),
    };

    return cmocka_run_group_tests(tests, start_program, stop_program);
}
