/* Any name in JSON and in a label: nothing of it can end what it stands in, and all is UTF-8. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "core/text.h"
#include "http/json_writer.h"
#include "metrics/exposition.h"
#include "test/fuzz/fuzz_input.h"

static void check_utf8(const struct strbuf *out)
{
    size_t length;

    assert(!strbuf_failed(out));
    for (size_t i = 0; i < out->length; i += length) {
        length = text_utf8_length(out->data + i, out->length - i);
        assert(length > 0);
    }
}

/* Between the quotes each quote has a backslash before it, and each backslash something that it stands with. */
static void check_escapes(const char *text, size_t length, const char *escapes)
{
    for (size_t i = 0; i < length; i++) {
        assert(text[i] != '"' && text[i] != '\n');
        if (text[i] == '\\') {
            i++;
            assert(i < length && strchr(escapes, text[i]) != NULL);
        }
    }
}

static void check_json(const char *text)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    json_write_string(&out, text);
    check_utf8(&out);
    assert(out.length >= 2 && out.data[0] == '"' && out.data[out.length - 1] == '"');
    check_escapes(out.data + 1, out.length - 2, "\"\\/bfnrtu");
    for (size_t i = 0; i < out.length; i++)
        assert((unsigned char)out.data[i] >= ' ');
    strbuf_release(&out);
}

static void check_label(const char *text)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    exposition_label_value(&out, text);
    check_utf8(&out);
    check_escapes(strbuf_text(&out), out.length, "\"\\n");
    strbuf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);

    check_json(text);
    check_label(text);
    free(text);
    return 0;
}
