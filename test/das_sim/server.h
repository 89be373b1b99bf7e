/* The listener, the pages, the signals. */
#ifndef DAS_SIM_SERVER_H
#define DAS_SIM_SERVER_H

struct sim;

/* Listens, says where on stdout, and serves until SIGTERM or SIGINT. Returns the exit
 * code of the program, having complained on stderr when it is not 0. */
int server_run(struct sim *sim);

#endif
