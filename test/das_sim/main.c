#include <stdlib.h>

#include "server.h"
#include "sim.h"

static bool load_accounts(struct sim *sim)
{
    const struct options *options = &sim->options;
    const struct text_list *accounts = &options->accounts;

    for (size_t i = 0; i < accounts->count; i++) {
        if (!account_book_add(&sim->accounts, accounts->at[i])) {
            (void)fputs("das_sim: --account UID:ACCESS_KEY_ID:SECRET[:SECURITY_TOKEN]\n", stderr);
            return false;
        }
    }
    if (options->accounts_file != NULL && !account_book_load(&sim->accounts, options->accounts_file))
        return false;
    if (sim->accounts.key_count == 0 && options->imds_listen == NULL) {
        (void)fputs("das_sim: no account: give --account or --accounts-file, see --help\n", stderr);
        return false;
    }
    return account_book_seal(&sim->accounts, sim->started_us);
}

static bool load_roles(struct sim *sim)
{
    const struct text_list *roles = &sim->options.roles;

    for (size_t i = 0; i < roles->count; i++) {
        if (!role_list_add(&sim->sts.roles, &sim->accounts, roles->at[i])) {
            (void)fprintf(stderr, "das_sim: --role %s: expected acs:ram::UID:role/NAME[:EXTERNAL_ID], once\n",
                          roles->at[i]);
            return false;
        }
    }
    if (sim->options.imds_role != NULL && !metadata_set_role(sim, sim->options.imds_role)) {
        (void)fputs("das_sim: --imds-role NAME:UID\n", stderr);
        return false;
    }
    return true;
}

static bool open_log(struct sim *sim)
{
    const char *path = sim->options.log;

    if (path == NULL)
        return true;
    sim->log = fopen(path, "we");
    if (sim->log == NULL)
        (void)fprintf(stderr, "das_sim: cannot write %s\n", path);
    return sim->log != NULL;
}

static void sim_init(struct sim *sim)
{
    /* Before the first object: the order of iteration must not vary between runs. */
    json_object_seed((size_t)sim->options.seed + 1);
    sim->started_us = clock_us();
    sim->random.state = (uint64_t)sim->options.seed;
    sim->nobody.outcomes = json_object();
    sim->instance_faults = json_object();
    sts_init(&sim->sts, sim->options.oidc_token);
    metadata_init(&sim->metadata);
    TAILQ_INIT(&sim->calls);
    result_store_init(&sim->results);
}

static void sim_release(struct sim *sim)
{
    if (sim->log != NULL)
        (void)fclose(sim->log);
    free(sim->hang_uid);
    json_decref(sim->instance_faults);
    json_decref(sim->nobody.outcomes);
    sts_release(&sim->sts);
    metadata_release(&sim->metadata);
    nonce_set_release(&sim->nonces);
    result_store_release(&sim->results);
    target_table_release(&sim->targets);
    account_book_release(&sim->accounts);
    options_release(&sim->options);
}

int main(int argc, char **argv)
{
    struct sim sim = {0};
    enum options_verdict verdict = options_parse(&sim.options, argc, argv);
    int code = verdict == OPTIONS_WRONG ? 2 : 0;

    if (verdict != OPTIONS_RUN) {
        options_release(&sim.options);
        return code;
    }
    sim_init(&sim);
    code = load_accounts(&sim) && load_roles(&sim) && open_log(&sim) ? server_run(&sim) : 2;
    sim_release(&sim);
    return code;
}
