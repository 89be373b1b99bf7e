/* Runs a tinyproxy on loopback that wants the user "proxyuser" with the password PROXY_PASSWORD. */
#ifndef TEST_DAS_KEYRING_SOURCES_TINYPROXY_PROCESS_H
#define TEST_DAS_KEYRING_SOURCES_TINYPROXY_PROCESS_H

#include <stdbool.h>

#define PROXY_USER     "proxyuser"
#define PROXY_PASSWORD "CanaryProxy01"

struct tinyproxy_process;

/* False: it is not installed. */
bool tinyproxy_installed(void);

/* Blocks until it accepts connections. NULL when it cannot be started. */
struct tinyproxy_process *tinyproxy_process_start(void);

/* Ends it, waits for it and removes its folder. NULL is allowed. */
void tinyproxy_process_stop(struct tinyproxy_process *proxy);

int tinyproxy_process_port(const struct tinyproxy_process *proxy);

#endif
