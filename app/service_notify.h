/*
 * The notify protocol of service managers (Type=notify, WatchdogSec): datagrams to a Unix socket.
 * Without such a manager every call does nothing. Main thread. A manager that does not read costs
 * at most 1 s per call.
 */
#ifndef APP_SERVICE_NOTIFY_H
#define APP_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

struct service_notify {
    int fd;                /* -1: nobody to tell */
    int64_t ping_interval; /* ns; CLOCK_NEVER: no watchdog */
    int64_t next_ping;
};

/* The environment as the manager sets it; each may be NULL. */
struct service_environment {
    const char *notify_socket; /* NOTIFY_SOCKET: a path, or @name in the abstract namespace */
    const char *watchdog_usec; /* WATCHDOG_USEC */
    const char *watchdog_pid;  /* WATCHDOG_PID: whom the watchdog watches; NULL: us */
};

/* False with *error when there is a manager but no way to it; *notify then does nothing. */
bool service_notify_init(struct service_notify *notify, const struct service_environment *environment,
                         struct error *error);

void service_notify_release(struct service_notify *notify);

void service_notify_ready(const struct service_notify *notify);
void service_notify_stopping(const struct service_notify *notify);

/* Ends with service_notify_ready(). monotonic_us is of clock_monotonic_us(). */
void service_notify_reloading(const struct service_notify *notify, int64_t monotonic_us);

/* True when a ping is due at `now`. */
bool service_notify_ping_due(const struct service_notify *notify, int64_t now);

/*
 * Pings when healthy; when not, it keeps silent, so that the manager ends and restarts us. The
 * next is due half a watchdog time later.
 */
void service_notify_ping(struct service_notify *notify, int64_t now, bool healthy);

/* Nanoseconds until the next ping is due; CLOCK_NEVER without a watchdog. */
int64_t service_notify_wait(const struct service_notify *notify, int64_t now);

#endif
