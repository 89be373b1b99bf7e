#include "app/service_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"

#define WATCHDOG_MAX_US (INT64_MAX / NS_PER_US)

static bool socket_address(const char *name, struct sockaddr_un *address, socklen_t *size)
{
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(address->sun_path))
        return false;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

static int connect_manager(const char *name, struct error *error)
{
    static const struct timeval patience = {.tv_sec = 1};
    struct sockaddr_un address;
    socklen_t size;
    int fd;

    if (!socket_address(name, &address, &size)) {
        error_set(error, ERROR_SYSTEM, "NOTIFY_SOCKET is '%s', expected a path or @NAME", name);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
        connect(fd, (const struct sockaddr *)&address, size) == 0)
        return fd;
    error_set_system(error, errno, "cannot connect to NOTIFY_SOCKET %s", name);
    if (fd >= 0)
        close(fd);
    return -1;
}

static int64_t ping_interval(const struct service_environment *environment)
{
    int64_t watchdog_us;
    int64_t pid;

    if (environment->watchdog_usec == NULL ||
        !text_parse_int(environment->watchdog_usec, 2, WATCHDOG_MAX_US, &watchdog_us))
        return CLOCK_NEVER;
    if (environment->watchdog_pid != NULL &&
        (!text_parse_int(environment->watchdog_pid, 1, INT32_MAX, &pid) || pid != getpid()))
        return CLOCK_NEVER;
    return watchdog_us / 2 * NS_PER_US;
}

bool service_notify_init(struct service_notify *notify, const struct service_environment *environment,
                         struct error *error)
{
    const char *name = environment->notify_socket;

    *notify = (struct service_notify){.fd = -1, .ping_interval = CLOCK_NEVER, .next_ping = CLOCK_NEVER};
    if (name == NULL || name[0] == '\0')
        return true;
    notify->fd = connect_manager(name, error);
    if (notify->fd < 0)
        return false;
    notify->ping_interval = ping_interval(environment);
    if (notify->ping_interval != CLOCK_NEVER)
        notify->next_ping = 0;
    return true;
}

void service_notify_release(struct service_notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

static void tell(const struct service_notify *notify, const char *state)
{
    if (notify->fd >= 0)
        (void)send(notify->fd, state, strlen(state), MSG_NOSIGNAL);
}

void service_notify_ready(const struct service_notify *notify)
{
    tell(notify, "READY=1");
}

void service_notify_stopping(const struct service_notify *notify)
{
    tell(notify, "STOPPING=1");
}

void service_notify_reloading(const struct service_notify *notify, int64_t monotonic_us)
{
    char state[64];

    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_us);
    tell(notify, state);
}

bool service_notify_ping_due(const struct service_notify *notify, int64_t now)
{
    return notify->ping_interval != CLOCK_NEVER && now >= notify->next_ping;
}

void service_notify_ping(struct service_notify *notify, int64_t now, bool healthy)
{
    if (notify->ping_interval == CLOCK_NEVER)
        return;
    if (healthy)
        tell(notify, "WATCHDOG=1");
    notify->next_ping = clock_add(now, notify->ping_interval);
}

int64_t service_notify_wait(const struct service_notify *notify, int64_t now)
{
    if (notify->ping_interval == CLOCK_NEVER)
        return CLOCK_NEVER;
    return now < notify->next_ping ? notify->next_ping - now : 0;
}
