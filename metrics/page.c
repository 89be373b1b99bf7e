#include "metrics/page.h"

#include "metrics/exposition.h"

#define SELF_METRICS_SIZE_GUESS ((size_t)16 * 1024)
#define HEALTH_LINE_SIZE_GUESS  ((size_t)80) /* name and value of a health line */

struct page {
    const struct page_target *targets;
    const struct page_target *targets_end;
    const struct self_metrics *self;
    struct strbuf *lines;
    /* of each collected family */
    bool hidden[FAMILY_COLLECTED_COUNT];
    size_t lengths[FAMILY_COLLECTED_COUNT]; /* 0: nothing to render */
    size_t series[FAMILY_COLLECTED_COUNT];
    size_t overflowed[FAMILY_COLLECTED_COUNT];
};

static bool is_hidden(enum family_id family, const struct self_metrics *self)
{
    unsigned optional = family_get(family)->optional;

    return optional != 0 && (optional & self->optional_metrics) == 0;
}

/* How much there is of each collected family. Most targets have few of them. */
static void measure_batch(struct page *page, const struct batch *batch)
{
    size_t length;
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        if (page->hidden[id])
            continue;
        batch_lines(batch, (enum family_id)id, &length);
        page->lengths[id] += length;
    }
}

/* Makes room for the whole page at once, so that a large one is not copied while it grows. */
static void reserve_lines(struct page *page)
{
    const struct page_target *target;
    size_t total = SELF_METRICS_SIZE_GUESS;
    int id;

    for (target = page->targets; target < page->targets_end; target++) {
        total += 2 * (HEALTH_LINE_SIZE_GUESS + target->labels_length);
        if (target->batch != NULL)
            measure_batch(page, target->batch);
    }
    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++)
        total += page->lengths[id];
    strbuf_reserve(page->lines, total);
}

static void render_collected(struct page *page, enum family_id family)
{
    const struct page_target *target;
    const char *text;
    size_t length;

    if (page->lengths[family] == 0)
        return;
    for (target = page->targets; target < page->targets_end; target++) {
        if (target->batch == NULL)
            continue;
        text = batch_lines(target->batch, family, &length);
        strbuf_append(page->lines, text, length);
        page->series[family] += batch_sample_count(target->batch, family);
        page->overflowed[family] += batch_overflowed(target->batch, family);
    }
}

static void append_health_start(const struct page *page, const struct page_target *target,
                                enum family_id family)
{
    strbuf_append_text(page->lines, family_get(family)->name);
    strbuf_append(page->lines, target->labels, target->labels_length);
    strbuf_append_char(page->lines, ' ');
}

static void render_target_up(const struct page *page)
{
    const struct page_target *target;

    for (target = page->targets; target < page->targets_end; target++) {
        if (target->labels_length == 0)
            continue;
        append_health_start(page, target, FAMILY_TARGET_UP);
        strbuf_append_text(page->lines, target->up ? "1\n" : "0\n");
    }
}

static void render_target_last_success(const struct page *page)
{
    const struct page_target *target;

    for (target = page->targets; target < page->targets_end; target++) {
        if (target->labels_length == 0 || target->success_unix_ms <= 0)
            continue;
        append_health_start(page, target, FAMILY_TARGET_LAST_SUCCESS);
        exposition_unix_ms(page->lines, target->success_unix_ms);
        strbuf_append_char(page->lines, '\n');
    }
}

static void render_series(const struct page *page)
{
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        if (!page->hidden[id])
            exposition_sample_uint(page->lines, FAMILY_SERIES,
                                   (const char *[]){family_get((enum family_id)id)->name}, page->series[id]);
    }
}

static void render_overflowed_series(const struct page *page)
{
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        if (!page->hidden[id] && family_get((enum family_id)id)->limited)
            exposition_sample_uint(page->lines, FAMILY_OVERFLOWED_SERIES,
                                   (const char *[]){family_get((enum family_id)id)->name},
                                   page->overflowed[id]);
    }
}

static void render_family(struct page *page, enum family_id family)
{
    switch (family) {
    case FAMILY_TARGET_UP:
        render_target_up(page);
        break;
    case FAMILY_TARGET_LAST_SUCCESS:
        render_target_last_success(page);
        break;
    case FAMILY_SERIES:
        render_series(page);
        break;
    case FAMILY_OVERFLOWED_SERIES:
        render_overflowed_series(page);
        break;
    default:
        if (family < FAMILY_COLLECTED_COUNT)
            render_collected(page, family);
        else
            self_metrics_render(page->self, family, page->lines);
        break;
    }
}

void page_render(const struct page_target *targets, size_t count, const struct self_metrics *self,
                 struct strbuf *lines, size_t family_ends[FAMILY_COUNT])
{
    struct page page = {.targets = targets, .targets_end = targets + count, .self = self, .lines = lines};
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++)
        page.hidden[id] = is_hidden((enum family_id)id, self);
    reserve_lines(&page);
    for (id = 0; id < FAMILY_COUNT; id++) {
        render_family(&page, (enum family_id)id);
        family_ends[id] = lines->length;
    }
}
