/* A socket on loopback, at a port of the system's choice, that a test answers by hand, or not at all. */
#ifndef TEST_SCHEDULE_LISTENER_H
#define TEST_SCHEDULE_LISTENER_H

struct listener {
    int descriptor;
    unsigned port;
};

void listener_open(struct listener *listener);

/* Nobody listens on it, and nobody else gets the port. */
void listener_open_refusing(struct listener *listener);
void listener_close(struct listener *listener);

/* The next connection; ends the test when none comes. */
int listener_accept(const struct listener *listener);

#endif
