/* Runs https_server.py in a temporary folder for the time of a test program. */
#ifndef TEST_DAS_SERVER_PROCESS_H
#define TEST_DAS_SERVER_PROCESS_H

#include <stdbool.h>

struct server_process;

/* Blocks until the server listens. NULL when it cannot be started. */
struct server_process *server_process_start(void);

/* Ends the server, waits for it and removes its folder. NULL is allowed. */
void server_process_stop(struct server_process *server);

/* The loopback port of one of the server's listeners, as https_server.py names them; 0: none. */
int server_process_port(const struct server_process *server, const char *name);

/* The file with the authority that signed the server's certificates. */
const char *server_process_ca_file(const struct server_process *server);

#endif
