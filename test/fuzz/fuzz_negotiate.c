/*
 * The headers Accept, Accept-Encoding and Accept-Language. Their names and those of their parameters mean the
 * same in any case (RFC 9110), and an element of weight 0 that we do not know changes nothing.
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "http/negotiate.h"
#include "metrics/exposition.h"
#include "test/fuzz/fuzz_input.h"

struct answers {
    bool gzip;
    bool html;
    enum language language;
    enum exposition_format format;
};

static struct answers negotiate(const char *header)
{
    return (struct answers){
        .gzip = accept_encoding_gzip(header),
        .html = accept_html(header),
        .language = accept_language(header),
        .format = exposition_negotiate(header),
    };
}

static void check_same(struct answers expected, const char *header)
{
    struct answers found = negotiate(header);

    assert(found.gzip == expected.gzip && found.html == expected.html);
    assert(found.language < LANGUAGE_COUNT && found.language == expected.language);
    assert(found.format < EXPOSITION_FORMAT_COUNT && found.format == expected.format);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *header = input_text(data, size);
    struct answers expected = negotiate(header);
    struct strbuf longer;

    strbuf_init(&longer, 0);
    strbuf_append_format(&longer, "x-unknown;q=0,%s", header);
    check_same(expected, strbuf_text(&longer));
    for (char *c = header; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    check_same(expected, header);
    strbuf_release(&longer);
    free(header);
    return 0;
}
