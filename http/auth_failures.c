#include "http/auth_failures.h"

#include <stddef.h>

#include "core/clock.h"
#include "core/log.h"
#include "http/connections.h"

#define IN_A_ROW_MAX 10                    /* that a client may have at once */
#define FORGET_AFTER NS_PER_SECOND         /* one of them each */
#define LULL         (600 * NS_PER_SECOND) /* after it a failure is news */

static size_t find(const struct auth_failures *failures, uint64_t client)
{
    size_t i = 0;

    while (i < AUTH_FAILURES_CLIENTS &&
           (failures->offenders[i].client != client || failures->offenders[i].forgotten == 0))
        i++;
    return i;
}

/* An entry for a client without one, in place of that which is forgotten first. */
static struct offender *add_offender(struct auth_failures *failures, uint64_t client)
{
    struct offender *oldest = &failures->offenders[0];

    for (size_t i = 1; i < AUTH_FAILURES_CLIENTS; i++) {
        if (failures->offenders[i].forgotten < oldest->forgotten)
            oldest = &failures->offenders[i];
    }
    *oldest = (struct offender){.client = client};
    return oldest;
}

bool auth_failures_barred(const struct auth_failures *failures, uint64_t client, int64_t now)
{
    size_t i = find(failures, client);

    return i < AUTH_FAILURES_CLIENTS &&
           failures->offenders[i].forgotten > now + (int64_t)(IN_A_ROW_MAX - 1) * FORGET_AFTER;
}

static void complain(struct auth_failures *failures, enum auth_kind kind, uint64_t client, int64_t now)
{
    struct complaint *complaint = &failures->complaints[kind];
    char address[CLIENT_TEXT_SIZE];
    uint64_t repeats;

    if (now - failures->last[kind] > LULL)
        complaint_settle(complaint, &repeats);
    failures->last[kind] = now;
    if (!complaint_raise(complaint, 1, now, &repeats))
        return;
    client_format(client, address);
    log_warn(kind == AUTH_TOKEN ? "web request with a wrong token" : "web request with a wrong password",
             log_text("client", address), log_int("repeats", (int64_t)repeats));
}

void auth_failures_add(struct auth_failures *failures, enum auth_kind kind, uint64_t client, int64_t now)
{
    struct offender *offender;
    size_t i = find(failures, client);

    failures->counts[kind]++;
    complain(failures, kind, client, now);
    if (auth_failures_barred(failures, client, now))
        return;
    offender = i < AUTH_FAILURES_CLIENTS ? &failures->offenders[i] : add_offender(failures, client);
    offender->forgotten = (offender->forgotten > now ? offender->forgotten : now) + FORGET_AFTER;
}
