#include "schedule/status_board.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/thread.h"
#include "schedule/mailbox.h"

#define READER_WAITS_AT_MOST (2 * NS_PER_SECOND)

struct status_board {
    struct mailbox *mailbox;
    atomic_bool wanted; /* set under the mutex */

    pthread_mutex_t mutex;
    pthread_cond_t published;
    /* under mutex */
    struct status front;
    bool has_front;
    bool expired;
    int64_t published_at;
    uint64_t publishes; /* failed ones included */
    bool closed;
};

struct status_board *status_board_new(struct mailbox *mailbox)
{
    struct status_board *board = calloc(1, sizeof(*board));

    if (board == NULL)
        return NULL;
    if (!cond_init(&board->published)) {
        free(board);
        return NULL;
    }
    pthread_mutex_init(&board->mutex, NULL);
    atomic_init(&board->wanted, false);
    status_init(&board->front);
    board->mailbox = mailbox;
    board->expired = true;
    return board;
}

void status_board_free(struct status_board *board)
{
    if (board == NULL)
        return;
    status_release(&board->front);
    pthread_cond_destroy(&board->published);
    pthread_mutex_destroy(&board->mutex);
    free(board);
}

/* Under the mutex, which is let go of meanwhile. */
static void await_publish(struct status_board *board, int64_t deadline)
{
    uint64_t seen = board->publishes;

    if (!atomic_exchange(&board->wanted, true)) {
        mutex_unlock(&board->mutex);
        mailbox_wake(board->mailbox);
        mutex_lock(&board->mutex);
    }
    while (board->publishes == seen && !board->closed && clock_now() < deadline)
        cond_wait_until(&board->published, &board->mutex, deadline);
}

bool status_board_read(struct status_board *board, struct status *status)
{
    int64_t now = clock_now();
    bool found;

    mutex_lock(&board->mutex);
    if (!board->closed && (board->expired || now - board->published_at > STATUS_AGE_MAX))
        await_publish(board, now + READER_WAITS_AT_MOST);
    found = board->has_front;
    if (found)
        status_copy(status, &board->front);
    mutex_unlock(&board->mutex);
    return found;
}

void status_board_expire(struct status_board *board)
{
    mutex_lock(&board->mutex);
    board->expired = true;
    mutex_unlock(&board->mutex);
}

bool status_board_wanted(const struct status_board *board)
{
    return atomic_load(&board->wanted);
}

void status_board_publish(struct status_board *board, struct status *status, int64_t now)
{
    struct status before;

    status_init(&before);
    mutex_lock(&board->mutex);
    if (status != NULL) {
        before = board->front;
        board->front = *status;
        board->has_front = true;
    }
    board->published_at = now;
    board->expired = false;
    board->publishes++;
    atomic_store(&board->wanted, false);
    mutex_unlock(&board->mutex);
    pthread_cond_broadcast(&board->published);
    status_release(&before);
}

void status_board_close(struct status_board *board)
{
    mutex_lock(&board->mutex);
    board->closed = true;
    mutex_unlock(&board->mutex);
    pthread_cond_broadcast(&board->published);
}
