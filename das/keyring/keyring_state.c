/* What the keyring and its threads both use: moments, and the heap an entry belongs into. */
#include "das/keyring/keyring_state.h"

#include "core/clock.h"

/* SplitMix64 (Steele, Lea, Flood, 2014). */
static uint64_t next_random(struct keyring *keyring)
{
    uint64_t z = keyring->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct key_moment keyring_moment(struct keyring *keyring)
{
    return (struct key_moment){clock_now(), clock_unix_ms(), next_random(keyring)};
}

static enum keyring_lane lane_of(const struct key_entry *entry)
{
    if (!key_source_is_remote(entry->source) || entry->renewal.expires < entry->renewal.due)
        return KEYRING_LOCAL;
    return entry->renewal.backoff > 0 ? KEYRING_RETRY : KEYRING_REMOTE;
}

/* Puts the entry where it belongs now. */
void keyring_reschedule(struct keyring *keyring, struct key_entry *entry)
{
    int64_t next = renewal_next(&entry->renewal);

    if (entry->heap != NULL)
        heap_remove(entry->heap, &entry->timer);
    entry->heap = NULL;
    if (!entry->is_known || entry->is_busy || next == CLOCK_NEVER)
        return;
    entry->heap = &keyring->lanes[lane_of(entry)];
    heap_insert(entry->heap, &entry->timer, next);
    pthread_cond_signal(&keyring->wakeup);
}

void keyring_wake_dependents(struct keyring *keyring, struct key_entry *caller, bool replaced, int64_t now)
{
    for (struct list_node *node = caller->dependents.head.next; node != &caller->dependents.head;
         node = node->next) {
        struct key_entry *entry = CONTAINER_OF(node, struct key_entry, as_dependent);

        key_entry_wake(entry, replaced, now);
        keyring_reschedule(keyring, entry);
    }
}
