/*
 * The query of a URL, and what the pages make of it. What was accepted, encoded again in another way, says
 * the same; what was not is refused with a line that can be shown.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/query.h"
#include "http/web/target_view.h"
#include "test/fuzz/fuzz_input.h"

#define PARAMETERS 3

static void check_why(const char *why, size_t size)
{
    assert(why[0] != '\0' && memchr(why, '\0', size) != NULL);
}

static void append_encoded(struct strbuf *query, const struct query_parameter *parameter)
{
    strbuf_append_format(query, "&%s=", parameter->name);
    for (const char *c = parameter->value; *c != '\0'; c++)
        strbuf_append_format(query, "%%%02x", (unsigned char)*c);
}

static void check_read(const char *text)
{
    struct query_parameter read[PARAMETERS] = {{.name = "ins_id"}, {.name = "wait"}, {.name = "q"}};
    struct query_parameter again[PARAMETERS] = {{.name = "ins_id"}, {.name = "wait"}, {.name = "q"}};
    struct strbuf query;
    char why[128] = "";

    if (!query_read(text, read, PARAMETERS, why, sizeof(why))) {
        check_why(why, sizeof(why));
        return;
    }
    strbuf_init(&query, 0);
    for (size_t i = 0; i < PARAMETERS; i++) {
        if (read[i].present)
            append_encoded(&query, &read[i]);
    }
    assert(query_read(strbuf_text(&query), again, PARAMETERS, why, sizeof(why)));
    for (size_t i = 0; i < PARAMETERS; i++) {
        assert(again[i].present == read[i].present && strcmp(again[i].value, read[i].value) == 0);
        assert(!query_find(strbuf_text(&query), &again[i]) || strcmp(again[i].value, read[i].value) == 0);
    }
    strbuf_release(&query);
}

static void check_view(const char *text)
{
    struct target_view view;
    char why[128] = "";

    if (!target_view_read(&view, text, why, sizeof(why)))
        check_why(why, sizeof(why));
    else
        assert(view.column < COLUMN_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query_parameter token = {.name = "token"};
    char *text = input_text(data, size);

    check_read(text);
    query_find(text, &token);
    check_view(text);
    free(text);
    return 0;
}
