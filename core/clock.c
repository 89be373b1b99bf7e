#include "core/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#undef clock_gettime /* banned elsewhere: this is the place */

#define CLOCK_EPOCH_MS_PER_SECOND 1000
#define LAST_SHOWABLE_UNIX_MS     INT64_C(253402300799999) /* the end of year 9999 */

int64_t clock_now(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * (NS_PER_SECOND / NS_PER_US) + now.tv_nsec / NS_PER_US;
}

int64_t clock_unix_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * CLOCK_EPOCH_MS_PER_SECOND + now.tv_nsec / NS_PER_MS;
}

int64_t clock_add(int64_t base_ns, int64_t delta_ns)
{
    assert(base_ns >= 0 && delta_ns >= 0);
    return base_ns > CLOCK_NEVER - delta_ns ? CLOCK_NEVER : base_ns + delta_ns;
}

int64_t clock_scale(int64_t duration_ns, int64_t numerator, int64_t denominator)
{
    __extension__ typedef __int128 wide;
    wide scaled;

    assert(duration_ns >= 0 && numerator >= 0 && denominator > 0);
    scaled = (wide)duration_ns * numerator / denominator;
    return scaled > CLOCK_NEVER ? CLOCK_NEVER : (int64_t)scaled;
}

/* A time that four digits of a year cannot show is shown as the epoch. */
static int64_t showable(int64_t unix_ms)
{
    return unix_ms < 0 || unix_ms > LAST_SHOWABLE_UNIX_MS ? 0 : unix_ms;
}

void clock_format_iso(int64_t unix_ms, char *buffer)
{
    time_t seconds = (time_t)(showable(unix_ms) / CLOCK_EPOCH_MS_PER_SECOND);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || strftime(buffer, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        buffer[0] = '\0';
}

void clock_format_iso_ms(int64_t unix_ms, char *buffer)
{
    char seconds[CLOCK_ISO_SIZE];
    unsigned ms = (unsigned)(showable(unix_ms) % CLOCK_EPOCH_MS_PER_SECOND);

    clock_format_iso(unix_ms, seconds);
    snprintf(buffer, CLOCK_ISO_MS_SIZE, "%.19s.%03uZ", seconds, ms);
}
