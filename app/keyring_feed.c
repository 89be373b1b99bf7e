#include "app/keyring_feed.h"

#include <stdlib.h>

#include "core/text.h"

bool keyring_feed_inventory(struct keyring *keyring, const struct inventory *inventory)
{
    const char **uids = calloc(inventory->instance_count + 1, sizeof(*uids));
    size_t count;
    bool known;

    if (uids == NULL)
        return false;
    for (size_t i = 0; i < inventory->instance_count; i++)
        uids[i] = inventory->instances[i].aliyun_uid;
    count = text_sort_unique(uids, inventory->instance_count);
    known = keyring_set_accounts(keyring, uids, count);
    free(uids);
    return known;
}

bool keyring_feed_table(struct keyring *keyring, const struct accounts_table *table)
{
    struct keyring_row *rows = calloc(table->count + 1, sizeof(*rows));
    bool taken;

    if (rows == NULL)
        return false;
    for (size_t i = 0; i < table->count; i++)
        rows[i] = (struct keyring_row){
            .aliyun_uid = table->rows[i].aliyun_uid,
            .access_key_id = table->rows[i].access_key_id,
            .encrypted_access_key_secret = table->rows[i].encrypted_access_key_secret,
        };
    taken = keyring_set_table(keyring, rows, table->count);
    free(rows);
    return taken;
}
