#include "test/core/limiter_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t random_state = 1;

void random_seed(uint64_t seed)
{
    random_state = seed | 1;
}

int64_t random_below(int64_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return limit <= 0 ? 0 : (int64_t)(random_state * UINT64_C(2685821657736338717) >> 1) % limit;
}

struct model *model_new(int64_t calls, int64_t window, const struct network *network)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    model->limiter = limiter_new(calls, window, 0);
    assert_non_null(model->limiter);
    model->network = *network;
    heap_init(&model->out);
    for (size_t i = 0; i < CALLS_OUT_MAX; i++)
        model->idle[model->idle_count++] = &model->calls[i];
    return model;
}

void model_free(struct model *model)
{
    limiter_free(model->limiter);
    free(model->counted.calls);
    free(model);
}

void counted_add(struct counted *counted, const struct counted_call *call)
{
    assert_false(counted->sorted);
    if (counted->count == counted->room) {
        counted->room = counted->room > 0 ? 2 * counted->room : 1024;
        counted->calls = realloc(counted->calls, counted->room * sizeof(*call));
        assert_non_null(counted->calls);
    }
    counted->calls[counted->count++] = *call;
}

static void model_send(struct model *model, int64_t now)
{
    const struct network *network = &model->network;
    struct model_call *call = model->idle[--model->idle_count];
    int64_t there = network->delay / 2 + random_below(network->jitter + 1);
    int64_t back = network->delay / 2 + random_below(network->jitter + 1);

    call->sent_at = now + random_below(network->worker_wait + 1);
    if (random_below(1000) < network->slow_permille)
        *(random_below(2) == 0 ? &there : &back) += 3 * SECOND;
    call->dispatched_at = now;
    call->answered = random_below(1000) >= network->lost_permille;
    call->throttled = call->answered && random_below(1000) < network->throttled_permille;
    if (!call->answered) {
        /* Counted at any time until some seconds after the client gave up. */
        there = random_below(CALL_TIMEOUT + LIMITER_UNANSWERED_GRACE);
        back = CALL_TIMEOUT - there;
    }
    call->counted = model->counted.count;
    counted_add(&model->counted, &(struct counted_call){call->sent_at + there, now});
    heap_insert(&model->out, &call->node, call->sent_at + there + back);
}

static struct model_call *pop_call(struct model *model)
{
    return (struct model_call *)(void *)heap_pop(&model->out);
}

static void model_see_ends(struct model *model, int64_t now)
{
    struct heap_node *node;

    while ((node = heap_peek(&model->out)) != NULL && node->key <= now) {
        struct model_call *call = pop_call(model);

        limiter_release(model->limiter, call->answered ? LIMITER_ANSWERED : LIMITER_UNANSWERED, now);
        if (call->throttled)
            model->cuts +=
                limiter_throttled(model->limiter, call->dispatched_at, random_below(2 * SECOND), now);
        model->idle[model->idle_count++] = call;
    }
}

/* The next moment at which anything can happen. */
static int64_t model_next(struct model *model, int64_t now)
{
    struct heap_node *node = heap_peek(&model->out);
    int64_t next = limiter_next(model->limiter, now);

    if (node != NULL && node->key < next)
        next = node->key;
    assert_true(next != CLOCK_NEVER);
    return next > now ? next : now;
}

int64_t model_run(struct model *model, size_t total, int64_t now)
{
    for (size_t sent = 0; sent < total;) {
        now = model_next(model, now);
        model_see_ends(model, now);
        while (sent < total && model->idle_count > 0 && limiter_acquire(model->limiter, now)) {
            model_send(model, now);
            sent++;
        }
    }
    return now;
}

void model_run_until(struct model *model, int64_t now, int64_t until)
{
    for (now = model_next(model, now); now < until; now = model_next(model, now)) {
        model_see_ends(model, now);
        while (model->idle_count > 0 && limiter_acquire(model->limiter, now))
            model_send(model, now);
    }
}

int64_t model_suspend(struct model *model, int64_t now, int64_t duration)
{
    struct heap later;

    heap_init(&later);
    while (heap_peek(&model->out) != NULL) {
        struct model_call *call = pop_call(model);
        int64_t delay = call->sent_at > now ? duration : 0;

        model->counted.calls[call->counted].at += delay;
        heap_insert(&later, &call->node, call->node.key + delay);
    }
    model->out = later;
    return now + duration;
}

void model_kill(struct model *model, int64_t now, int64_t at_most)
{
    while (heap_peek(&model->out) != NULL) {
        struct model_call *call = pop_call(model);
        struct counted_call *counted = &model->counted.calls[call->counted];

        if (call->sent_at > now)
            counted->at = -1;
        else if (counted->at > now + at_most)
            counted->at = now + at_most;
        model->idle[model->idle_count++] = call;
    }
}

static int compare_calls(const void *a, const void *b)
{
    const struct counted_call *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

size_t worst_window_between(struct counted *counted, int64_t window, int64_t from, int64_t until)
{
    const struct counted_call *calls = counted->calls;
    size_t worst = 0, first = 0, chosen = 0;

    if (!counted->sorted && counted->count > 0)
        qsort(counted->calls, counted->count, sizeof(*calls), compare_calls);
    counted->sorted = true;
    while (first < counted->count && calls[first].at < from)
        first++;
    for (size_t i = first; i < counted->count && calls[i].at < until; i++) {
        chosen += calls[i].dispatched_at >= from;
        for (; calls[i].at - calls[first].at >= window; first++)
            chosen -= calls[first].dispatched_at >= from;
        if (chosen > 0 && i - first + 1 > worst)
            worst = i - first + 1;
    }
    return worst;
}

size_t worst_window(struct counted *counted, int64_t window)
{
    return worst_window_between(counted, window, 0, INT64_MAX);
}

void limiter_reconfigure(struct limiter *limiter, int64_t calls, int64_t window, int64_t now)
{
    assert_true(limiter_reserve(limiter, calls));
    limiter_configure(limiter, calls, window, now);
}
