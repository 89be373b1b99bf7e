/*
 * The only place that reads a clock. Everything that decides takes `now` as an argument.
 *
 * Monotonic times and durations are int64_t nanoseconds, named *_ns or `now`. They come from
 * CLOCK_BOOTTIME, which goes on during suspend and is not touched by clock changes.
 * Wall-clock times are int64_t milliseconds since 1970 UTC, named *_unix_ms; they are only ever
 * shown or signed, never used to measure an interval.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US     1000LL
#define NS_PER_MS     1000000LL
#define NS_PER_SECOND 1000000000LL
#define CLOCK_NEVER   INT64_MAX

/* Nanoseconds since boot. Any thread. */
int64_t clock_now(void);

/* Microseconds of CLOCK_MONOTONIC, which the service manager compares with. Any thread. */
int64_t clock_monotonic_us(void);

/* Milliseconds since 1970-01-01T00:00:00Z. Any thread. */
int64_t clock_unix_ms(void);

/* base + delta, saturating at CLOCK_NEVER. base >= 0, delta >= 0. */
int64_t clock_add(int64_t base_ns, int64_t delta_ns);

/* duration_ns * numerator / denominator without overflow, rounded down. All > 0 or 0. */
int64_t clock_scale(int64_t duration_ns, int64_t numerator, int64_t denominator);

/*
 * Formats as 2026-01-02T03:04:05Z; a time before 1970 or after 9999 as 1970-01-01T00:00:00Z.
 * The buffer holds at least CLOCK_ISO_SIZE bytes.
 */
#define CLOCK_ISO_SIZE sizeof("2026-01-02T03:04:05Z")
void clock_format_iso(int64_t unix_ms, char *buffer);

/* Formats as 2026-01-02T03:04:05.678Z, for logs. At least CLOCK_ISO_MS_SIZE bytes. */
#define CLOCK_ISO_MS_SIZE sizeof("2026-01-02T03:04:05.678Z")
void clock_format_iso_ms(int64_t unix_ms, char *buffer);

#endif
