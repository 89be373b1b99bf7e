/*
 * What other threads leave for the scheduler thread: calls that workers return, and functions to
 * run on it. One mutex, a leaf.
 */
#ifndef SCHEDULE_MAILBOX_H
#define SCHEDULE_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "schedule/call.h"

struct mailbox;

/* A function to run on the scheduler thread while its caller waits: lives on the caller's stack. */
struct message {
    void (*run)(void *argument, int64_t now);
    void *argument;
    /* the mailbox's own */
    struct list_node link;
    pthread_cond_t answered;
    bool done;
};

/* NULL when memory runs out. */
struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *mailbox); /* NULL is allowed */

/* A worker is done with a call. Any thread, does not block, never fails. */
void mailbox_return_call(struct mailbox *mailbox, struct call *call);

/*
 * Has message->run called on the scheduler thread and waits for it, at most timeout_ns until it
 * begins. False when it was not called: the thread is busy for too long, or ends.
 */
bool mailbox_call(struct mailbox *mailbox, struct message *message, int64_t timeout_ns);

/* Scheduler thread: takes all returned calls, appended to `calls`. */
void mailbox_take_calls(struct mailbox *mailbox, struct list *calls);

/* Scheduler thread: takes the next message to run; NULL when there is none. */
struct message *mailbox_take_message(struct mailbox *mailbox);

/* Scheduler thread: a taken message was run; it is not touched again. */
void mailbox_answer(struct mailbox *mailbox, struct message *message);

/* Ends the scheduler thread's sleep, or the next one. Any thread. */
void mailbox_wake(struct mailbox *mailbox);

/* Scheduler thread: sleeps until something arrives, mailbox_wake, the deadline, or the end. False at the end. */
bool mailbox_wait(struct mailbox *mailbox, int64_t deadline);

/* Ends mailbox_wait and refuses every call from now on. Returned calls are still accepted. */
void mailbox_close(struct mailbox *mailbox);

#endif
