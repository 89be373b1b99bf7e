/* The asynchronous results: one per submit, found by ResultId, forgotten by age. */
#ifndef DAS_SIM_RESULT_H
#define DAS_SIM_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct account;
struct target;

struct result {
    uint64_t id;
    uint64_t created_us;
    uint64_t ready_us; /* UINT64_MAX: never */
    const struct account *account;
    const struct target *target;
    uint64_t polls;
    bool failed;    /* ends in State FAIL */
    bool lost;      /* unknown to every poll */
    bool finished;  /* a poll has seen it finished */
    bool delivered; /* a SUCCESS reply has left */
    TAILQ_ENTRY(result) next;
};

TAILQ_HEAD(result_queue, result);

struct result_store {
    void *tree;                /* tsearch(3), by id */
    struct result_queue queue; /* oldest first */
    size_t count;
};

void result_store_init(struct result_store *store);
/* The store owns the result. NULL when the id is taken: try another one. */
struct result *result_store_create(struct result_store *store, uint64_t id, uint64_t now);
struct result *result_store_find(const struct result_store *store, uint64_t id);
/* Forgets everything created before the given time. */
void result_store_expire(struct result_store *store, uint64_t before);
void result_store_release(struct result_store *store);

/* "async__" and 16 hex digits; the caller frees it. */
char *result_id_format(uint64_t id);
bool result_id_parse(const char *text, uint64_t *id);

#endif
