/* What the keyring learns from the inventory database. False when memory runs out: nothing changed. */
#ifndef APP_FEED_H
#define APP_FEED_H

#include <stdbool.h>

#include "das/keyring/keyring.h"
#include "db/accounts.h"
#include "db/inventory.h"

/* The accounts that have instances. Any thread. */
bool keyring_feed_inventory(struct keyring *keyring, const struct inventory *inventory);

/* The accounts table. Any thread. */
bool keyring_feed_table(struct keyring *keyring, const struct accounts_table *table);

#endif
