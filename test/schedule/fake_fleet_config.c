/* The fleet's configuration and inventory, made the way the program gets them. */
#include "test/schedule/fake_fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/rows.h"

const char *fleet_uid(size_t account, char *text)
{
    snprintf(text, 32, "1%015zu", account + 1);
    return text;
}

static const char *or_default(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

static unsigned number_or_default(unsigned number, unsigned fallback)
{
    return number != 0 ? number : fallback;
}

static void write_account(FILE *file, const struct fleet *fleet, size_t i)
{
    const struct fleet_account *account = &fleet->accounts[i];
    char uid[32];

    if (account->unconfigured)
        return;
    fprintf(file, "[account %s]\naccess_key_id = key-%u\naccess_key_secret = invented\n", fleet_uid(i, uid),
            account->key);
    if (account->rate_limit > 0)
        fprintf(file, "rate_limit = %u\n", account->rate_limit);
}

static void write_config(FILE *file, const struct fleet *fleet)
{
    const struct fleet_settings *settings = &fleet->settings;

    fprintf(file,
            "[exporter]\nworkers = %u\nqueue_size = %u\n"
            "[inventory]\nsource = file\n"
            "[das]\nendpoint = %s\nrate_limit = %u\nrate_window = %s\ntotal_rate_limit = %u\nresult_timeout "
            "= %s\n"
            "[metric db_user_session_count]\nenabled = %s\ninterval = %s\nstale_after = %s\n"
            "[metric db_max_user_connections]\nenabled = %s\n",
            number_or_default(settings->workers, 16), number_or_default(settings->queue_size, 1024),
            or_default(settings->endpoint, "http://127.0.0.1:1"), number_or_default(settings->rate_limit, 50),
            or_default(settings->rate_window, "1s"), settings->total_rate_limit,
            or_default(settings->result_timeout, "60s"), settings->sessions_disabled ? "no" : "yes",
            or_default(settings->interval, "60s"), or_default(settings->stale_after, "180s"),
            settings->limits_disabled ? "no" : "yes");
    for (size_t i = 0; i < fleet->account_count; i++)
        write_account(file, fleet, i);
}

struct config *fleet_load_config(const struct fleet *fleet)
{
    char path[] = "/tmp/test_fleet_XXXXXX";
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    struct config *config;
    struct error error;

    assert_non_null(file);
    write_config(file, fleet);
    assert_int_equal(fclose(file), 0);
    config = config_load(path, &error);
    unlink(path);
    if (config == NULL)
        fail_msg("%s", error.message);
    return config;
}

const char *fleet_ins_id(const struct fleet *fleet, size_t target, char *text)
{
    snprintf(text, 32, "%s-test%05zu", fleet->targets[target].polardb ? "pc" : "rm", target);
    return text;
}

static void add_target(struct rows *rows, const struct fleet *fleet, size_t i)
{
    const struct fleet_target *target = &fleet->targets[i];
    char ins_id[32], uid[32];
    struct instance_row instance = {
        .ins_id = fleet_ins_id(fleet, i, ins_id),
        .ins_name = target->ins_name,
        .ins_type = target->polardb ? "polardb" : "rds",
        .engine = "mysql",
        .aliyun_uid = fleet_uid(target->account, uid),
        .ins_is_readonly = {target->reads, NULL},
        .ins_status = {1, NULL},
    };
    struct node_row node = {.ins_id = ins_id, .node_id = "pi-test1", .node_type = {target->reads, NULL}};

    assert_true(rows_add_instance(rows, &instance));
    if (target->polardb)
        assert_true(rows_add_node(rows, &node));
}

struct inventory *fleet_build_inventory(const struct fleet *fleet)
{
    struct inventory *inventory;
    struct rows rows;
    struct error error;

    rows_init(&rows);
    for (size_t i = 0; i < fleet->target_count; i++) {
        if (fleet->targets[i].present)
            add_target(&rows, fleet, i);
    }
    inventory = inventory_build(&rows, "", clock_unix_ms(), &error);
    assert_non_null(inventory);
    rows_release(&rows);
    return inventory;
}
