/* Allocation that ends the program when it fails, the clock, and reproducible
 * randomness. The simulator is a test tool: it has no use for surviving ENOMEM. */
#ifndef DAS_SIM_UTIL_H
#define DAS_SIM_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* All four return memory the caller frees with free(); none returns NULL. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* CLOCK_MONOTONIC in microseconds. */
uint64_t clock_us(void);
/* CLOCK_REALTIME in milliseconds. */
int64_t clock_wall_ms(void);

/* SplitMix64: every 64-bit seed is a good one, and a run can be repeated. */
struct random {
    uint64_t state;
};

uint64_t random_u64(struct random *random);
/* Uniform in [0, 1). */
double random_unit(struct random *random);
/* Log-normal with the given median (any unit) and shape. */
double random_log_normal(struct random *random, double median, double sigma);

/* FNV-1a, 64 bits: part of the documented formula of the sessions. */
uint64_t fnv1a64(const char *text);

#endif
