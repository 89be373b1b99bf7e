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
};

struct family_lines {
    char *text;
    size_t length;
    size_t count;
};

struct batch {
    struct refcount refs;
    bool failed;
    bool sealed;
    struct draft drafts[FAMILY_COLLECTED_COUNT];          /* empty once sealed */
    struct family_lines families[FAMILY_COLLECTED_COUNT]; /* empty until sealed */
};

struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    int id;

    if (batch == NULL)
        return NULL;
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

static void draft_release(struct draft *draft)
{
    strbuf_release(&draft->text);
    free(draft->lines);
    draft->lines = NULL;
    draft->count = 0;
    draft->capacity = 0;
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
    struct line line = {.offset = draft->text.length};

    assert(family < FAMILY_COLLECTED_COUNT && !batch->sealed);
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

/* Sorts the draft and copies its distinct lines. */
static bool seal_family(struct draft *draft, struct family_lines *family)
{
    const struct line *line;
    const struct line *previous = NULL;

    if (draft->count == 0)
        return true;
    draft_sort(draft);
    family->text = malloc(draft->text.length);
    if (family->text == NULL)
        return false;
    for (line = draft->lines; line < draft->lines + draft->count; line++) {
        if (previous != NULL && compare_labels(previous, line) == 0)
            continue;
        memcpy(family->text + family->length, line->text, line->length);
        family->length += line->length;
        family->count++;
        previous = line;
    }
    return true;
}

bool batch_seal(struct batch *batch, size_t *duplicates)
{
    size_t dropped = 0;
    int id;

    assert(!batch->sealed);
    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        if (!batch->failed && !seal_family(&batch->drafts[id], &batch->families[id]))
            batch->failed = true;
        dropped += batch->drafts[id].count - batch->families[id].count;
        draft_release(&batch->drafts[id]);
    }
    batch->sealed = true;
    if (duplicates != NULL)
        *duplicates = batch->failed ? 0 : dropped;
    return !batch->failed;
}

const char *batch_lines(const struct batch *batch, enum family_id family, size_t *length)
{
    const struct family_lines *lines = &batch->families[family];

    assert(family < FAMILY_COLLECTED_COUNT && batch->sealed);
    *length = lines->length;
    return lines->length > 0 ? lines->text : "";
}

size_t batch_sample_count(const struct batch *batch, enum family_id family)
{
    assert(family < FAMILY_COLLECTED_COUNT && batch->sealed);
    return batch->families[family].count;
}

struct batch *batch_get(struct batch *batch)
{
    refcount_get(&batch->refs);
    return batch;
}

void batch_put(struct batch *batch)
{
    int id;

    if (batch == NULL || !refcount_put(&batch->refs))
        return;
    for (id = 0; id < FAMILY_COLLECTED_COUNT; id++) {
        draft_release(&batch->drafts[id]);
        free(batch->families[id].text);
    }
    free(batch);
}
