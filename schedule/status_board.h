/*
 * The scheduler's state as pages and the API read it: the scheduler puts up a status, readers take
 * copies that share its memory. It is made when somebody asks for one and the last is older than
 * STATUS_AGE_MAX, by the scheduler, of its own accord and between its decisions; so any number of
 * readers cost it one status in that time, and without readers it costs nothing.
 *
 * One mutex, a leaf.
 */
#ifndef SCHEDULE_STATUS_BOARD_H
#define SCHEDULE_STATUS_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "schedule/status.h"

#define STATUS_AGE_MAX INT64_C(1000000000) /* ns */

struct mailbox;
struct status_board;

/* `mailbox`, which outlives it, is where the scheduler sleeps. NULL when memory runs out. */
struct status_board *status_board_new(struct mailbox *mailbox);
void status_board_free(struct status_board *board); /* NULL is allowed */

/*
 * Fills *status (initialised) with a status at most STATUS_AGE_MAX old. Waits until the scheduler has
 * made one, for 2 s at most; then with the last one it made. False when it never made one. Any thread
 * but the scheduler's.
 */
bool status_board_read(struct status_board *board, struct status *status);

/* What is up is out of date: whoever reads next gets one made after this call. Any thread. */
void status_board_expire(struct status_board *board);

/* True when a reader waits for a status. Scheduler thread; an atomic load. */
bool status_board_wanted(const struct status_board *board);

/* Scheduler thread: the status of `now`, whose memory is taken over; NULL: there was none for it. */
void status_board_publish(struct status_board *board, struct status *status, int64_t now);

/* Nobody waits from now on. Any thread. */
void status_board_close(struct status_board *board);

#endif
