/*
 * What a person should know of a load that went well: values that were not understood, a server
 * that lacks a statement. Only the first few are kept, all are counted. Owned by one thread.
 */
#ifndef DB_REMARKS_H
#define DB_REMARKS_H

#include <stddef.h>
#include <stdint.h>

#define REMARKS_KEPT 5
#define REMARK_SIZE  320

struct remarks {
    char texts[REMARKS_KEPT][REMARK_SIZE]; /* the first min(count, REMARKS_KEPT) */
    uint64_t count;
};

void remarks_add(struct remarks *remarks, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts a text before the others. */
void remarks_lead(struct remarks *remarks, const char *text);

/* How many texts are there. */
size_t remarks_kept(const struct remarks *remarks);

/* The same for the same remarks; 0 for none. */
uint64_t remarks_hash(const struct remarks *remarks);

#endif
