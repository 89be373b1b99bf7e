#include "schedule/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/thread.h"

struct mailbox {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    /* under mutex */
    struct list calls;
    struct list messages;
    bool woken;
    bool closed;
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

    if (mailbox == NULL)
        return NULL;
    if (!cond_init(&mailbox->arrived)) {
        free(mailbox);
        return NULL;
    }
    pthread_mutex_init(&mailbox->mutex, NULL);
    list_init(&mailbox->calls);
    list_init(&mailbox->messages);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    pthread_cond_destroy(&mailbox->arrived);
    pthread_mutex_destroy(&mailbox->mutex);
    free(mailbox);
}

void mailbox_return_call(struct mailbox *mailbox, struct call *call)
{
    mutex_lock(&mailbox->mutex);
    list_push_back(&mailbox->calls, &call->link);
    mutex_unlock(&mailbox->mutex);
    pthread_cond_signal(&mailbox->arrived);
}

/* Leaves the message and waits for its answer. True when it was run. */
static bool leave_and_wait(struct mailbox *mailbox, struct message *message, int64_t deadline)
{
    if (mailbox->closed)
        return false;
    list_push_back(&mailbox->messages, &message->link);
    pthread_cond_signal(&mailbox->arrived);
    while (!message->done && list_linked(&message->link) && !mailbox->closed && clock_now() < deadline)
        cond_wait_until(&message->answered, &mailbox->mutex, deadline);
    if (list_linked(&message->link)) {
        list_remove(&message->link);
    } else {
        /* It is being run: that is short, and the message must outlive it. */
        while (!message->done)
            cond_wait_until(&message->answered, &mailbox->mutex, CLOCK_NEVER);
    }
    return message->done;
}

bool mailbox_call(struct mailbox *mailbox, struct message *message, int64_t timeout_ns)
{
    int64_t deadline = clock_add(clock_now(), timeout_ns);
    bool done;

    message->done = false;
    if (!cond_init(&message->answered))
        return false;
    mutex_lock(&mailbox->mutex);
    done = leave_and_wait(mailbox, message, deadline);
    mutex_unlock(&mailbox->mutex);
    pthread_cond_destroy(&message->answered);
    return done;
}

void mailbox_take_calls(struct mailbox *mailbox, struct list *calls)
{
    mutex_lock(&mailbox->mutex);
    list_splice(calls, &mailbox->calls);
    mutex_unlock(&mailbox->mutex);
}

struct message *mailbox_take_message(struct mailbox *mailbox)
{
    struct list_node *node;

    mutex_lock(&mailbox->mutex);
    node = list_pop_front(&mailbox->messages);
    mutex_unlock(&mailbox->mutex);
    return node != NULL ? CONTAINER_OF(node, struct message, link) : NULL;
}

void mailbox_answer(struct mailbox *mailbox, struct message *message)
{
    mutex_lock(&mailbox->mutex);
    message->done = true;
    pthread_cond_signal(&message->answered); /* before its caller can free it */
    mutex_unlock(&mailbox->mutex);
}

void mailbox_wake(struct mailbox *mailbox)
{
    mutex_lock(&mailbox->mutex);
    mailbox->woken = true;
    mutex_unlock(&mailbox->mutex);
    pthread_cond_signal(&mailbox->arrived);
}

bool mailbox_wait(struct mailbox *mailbox, int64_t deadline)
{
    bool open;

    mutex_lock(&mailbox->mutex);
    if (!mailbox->closed && !mailbox->woken && list_empty(&mailbox->calls) && list_empty(&mailbox->messages))
        cond_wait_until(&mailbox->arrived, &mailbox->mutex, deadline);
    mailbox->woken = false;
    open = !mailbox->closed;
    mutex_unlock(&mailbox->mutex);
    return open;
}

void mailbox_close(struct mailbox *mailbox)
{
    mutex_lock(&mailbox->mutex);
    mailbox->closed = true;
    for (struct list_node *node = mailbox->messages.head.next; node != &mailbox->messages.head;
         node = node->next)
        pthread_cond_signal(&CONTAINER_OF(node, struct message, link)->answered);
    mutex_unlock(&mailbox->mutex);
    pthread_cond_broadcast(&mailbox->arrived);
}
