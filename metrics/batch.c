#include "metrics/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/refcount.h"
#include "core/strbuf.h"
#include "metrics/exposition.h"

/* A finished line. Of the two places only one is known at a time: text moves while it grows. */
struct line {
    size_t offset;    /* in draft.text, while building */
    const char *text; /* once it no longer moves */
    size_t length;
    size_t labels_end; /* length of the name with the label block */
};

/* The lines of one family while they are added. */
struct draft {
    struct strbuf text;
    struct line *lines;
    size_t count;
    size_t capacity;
    size_t overflowed;
};

/* A family of a sealed batch. */
struct family_lines {
    enum family_id family;
    const char *text;
    size_t length;
    size_t count;
    size_t overflowed;
};

struct batch {
    struct refcount refs;
    bool failed;
    bool sealed;
    struct draft *drafts;          /* one for each collected family; NULL once sealed */
    struct family_lines *families; /* those that have samples, their texts behind them; NULL until sealed */
    size_t family_count;
};

struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    int id;

    if (batch == NULL)
        return NULL;
    batch->drafts = calloc(FAMILY_COLLECTED_COUNT, sizeof(*batch->drafts));
    if (batch->drafts == NULL) {
        free(batch);
        return NULL;
    }
    refcount_init(&batch->refs);
    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++)
        strbuf_init(&batch->drafts[id].text, 0);
    return batch;
}

static bool draft_grow(struct draft *draft)
{
    size_t capacity = draft->capacity > 0 ? 2 * draft->capacity : 16;
    struct line *lines;

    if (draft->count < draft->capacity)
        return true;
    lines = reallocarray(draft->lines, capacity, sizeof(*lines));
    if (lines == NULL)
        return false;
    draft->lines = lines;
    draft->capacity = capacity;
    return true;
}

static void release_drafts(struct batch *batch)
{
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT && batch->drafts != NULL; id++) {
        strbuf_release(&batch->drafts[id].text);
        free(batch->drafts[id].lines);
    }
    free(batch->drafts);
    batch->drafts = NULL;
}

/* The value is a number: the last blank of a line ends its label block. */
static size_t find_labels_end(const char *line, size_t length)
{
    while (line[length - 1] != ' ')
        length--;
    return length - 1;
}

void batch_add(struct batch *batch, enum family_id family, const char *const *values, int64_t value)
{
    struct draft *draft = &batch->drafts[family];
    struct line line;

    assert(family < FAMILY_COLLECTED_COUNT && !batch->sealed);
    line.offset = draft->text.length;
    if (batch->failed)
        return;
    exposition_sample_int(&draft->text, family, values, value);
    if (strbuf_failed(&draft->text) || !draft_grow(draft)) {
        batch->failed = true;
        return;
    }
    line.length = draft->text.length - line.offset;
    line.labels_end = find_labels_end(draft->text.data + line.offset, line.length);
    draft->lines[draft->count++] = line;
}

void batch_add_overflowed(struct batch *batch, enum family_id family, size_t count)
{
    assert(family_get(family)->limited && !batch->sealed);
    batch->drafts[family].overflowed += count;
}

static int compare_labels(const struct line *a, const struct line *b)
{
    size_t common = a->labels_end < b->labels_end ? a->labels_end : b->labels_end;
    int order = memcmp(a->text, b->text, common);

    return order != 0 ? order : (a->labels_end > b->labels_end) - (a->labels_end < b->labels_end);
}

static int compare_lines(const void *left, const void *right)
{
    const struct line *a = left;
    const struct line *b = right;
    int order = compare_labels(a, b);

    return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static void draft_sort(struct draft *draft)
{
    size_t i;

    for (i = 0; i < draft->count; i++)
        draft->lines[i].text = draft->text.data + draft->lines[i].offset;
    qsort(draft->lines, draft->count, sizeof(*draft->lines), compare_lines);
}

/* Sorts the draft and copies its distinct lines to `text`. */
static struct family_lines seal_draft(enum family_id id, struct draft *draft, char *text)
{
    struct family_lines sealed = {.family = id, .text = text, .overflowed = draft->overflowed};
    const struct line *line;
    const struct line *previous = NULL;

    draft_sort(draft);
    for (line = draft->lines; line < draft->lines + draft->count; line++) {
        if (previous != NULL && compare_labels(previous, line) == 0)
            continue;
        memcpy(text + sealed.length, line->text, line->length);
        sealed.length += line->length;
        sealed.count++;
        previous = line;
    }
    return sealed;
}

/* One block for the families that have samples and their texts. False when memory runs out. */
static bool reserve_families(struct batch *batch)
{
    size_t count = 0;
    size_t length = 0;
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        count += batch->drafts[id].count > 0;
        length += batch->drafts[id].text.length;
    }
    if (count == 0)
        return true;
    batch->families = malloc(count * sizeof(*batch->families) + length);
    batch->family_count = count;
    return batch->families != NULL;
}

/* Returns how many samples were dropped. */
static size_t seal_drafts(struct batch *batch)
{
    struct family_lines *next = batch->families;
    char *text = (char *)(batch->families + batch->family_count);
    size_t dropped = 0;
    int id;

    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        if (batch->drafts[id].count == 0)
            continue;
        *next = seal_draft((enum family_id)id, &batch->drafts[id], text);
        dropped += batch->drafts[id].count - next->count;
        text += next->length;
        next++;
    }
    return dropped;
}

bool batch_seal(struct batch *batch, size_t *duplicates)
{
    size_t dropped = 0;

    assert(!batch->sealed);
    if (!batch->failed && !reserve_families(batch))
        batch->failed = true;
    if (!batch->failed)
        dropped = seal_drafts(batch);
    release_drafts(batch);
    batch->sealed = true;
    if (duplicates != NULL)
        *duplicates = dropped;
    return !batch->failed;
}

/* NULL when it has no samples. */
static const struct family_lines *find_family(const struct batch *batch, enum family_id family)
{
    size_t i;

    assert(family < FAMILY_COLLECTED_COUNT && batch->sealed);
    for (i = 0; i < batch->family_count; i++) {
        if (batch->families[i].family == family)
            return &batch->families[i];
    }
    return NULL;
}

const char *batch_lines(const struct batch *batch, enum family_id family, size_t *length)
{
    const struct family_lines *lines = find_family(batch, family);

    *length = lines != NULL ? lines->length : 0;
    return lines != NULL ? lines->text : "";
}

size_t batch_sample_count(const struct batch *batch, enum family_id family)
{
    const struct family_lines *lines = find_family(batch, family);

    return lines != NULL ? lines->count : 0;
}

size_t batch_overflowed(const struct batch *batch, enum family_id family)
{
    const struct family_lines *lines = find_family(batch, family);

    return lines != NULL ? lines->overflowed : 0;
}

struct batch *batch_get(struct batch *batch)
{
    refcount_get(&batch->refs);
    return batch;
}

void batch_put(struct batch *batch)
{
    if (batch == NULL || !refcount_put(&batch->refs))
        return;
    release_drafts(batch);
    free(batch->families);
    free(batch);
}
