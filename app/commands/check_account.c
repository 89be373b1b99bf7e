#include "app/commands/check_account.h"

static void call_once(struct das_client *client, const struct keyring_entry *entry,
                      const struct target *target, struct error *error)
{
    const struct das_call call = {
        .credentials = entry->credentials,
        .instance_id = target->instance->ins_id,
        .node_id = target->node_id,
        .result_id = "",
    };
    struct das_reply reply;

    das_reply_init(&reply);
    das_client_call(client, &call, &reply);
    *error = reply.error;
    das_reply_release(&reply);
}

void account_try(struct keyring *keyring, struct das_client *client, const char *aliyun_uid,
                 const struct target *target, struct account_trial *trial)
{
    struct keyring_entry entry;

    if (client != NULL)
        keyring_fetch(keyring, aliyun_uid, &entry);
    else
        keyring_lookup(keyring, aliyun_uid, &entry);
    *trial = (struct account_trial){
        .kind = entry.kind, .expiry_unix_ms = entry.expiry_unix_ms, .error = entry.error};
    if (entry.kind == CREDENTIAL_NONE)
        error_set(&trial->error, ERROR_CREDENTIALS,
                  "no credentials: add [account %s] or [account default]; its targets are not asked",
                  aliyun_uid);
    else if (client != NULL && entry.credentials == NULL && entry.error.class == ERROR_NONE)
        error_set(&trial->error, ERROR_CREDENTIALS, "the source gave no credentials and no reason");
    else if (client != NULL && entry.credentials != NULL && target != NULL)
        call_once(client, &entry, target, &trial->error);
    keyring_entry_release(&entry);
}
