/*
 * The head of a request through CivetWeb's parser, as cmake/civetweb.patch leaves it. Whatever it accepts and
 * understands, written down by the letter of RFC 9112, is what was sent: no byte means anything else to it, or
 * is passed over, but for empty lines before the request and blanks around a value.
 */
#include <civetweb.c> /* for what is static in it */
#undef NDEBUG
#undef malloc /* civetweb.c forbids them to those after it */
#undef free
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz_input.h"

#define BLANKS " \t"

/* Moves on over that text, which must be there. */
static void expect(const char **at, const char *text)
{
    size_t length = strlen(text);

    assert(strncmp(*at, text, length) == 0);
    *at += length;
}

static void expect_word(const char **at, const char *word, const char *separators)
{
    assert(word[strcspn(word, separators)] == '\0');
    expect(at, word);
}

static void expect_field(const char **at, const struct mg_header *header)
{
    assert(header->name[0] != '\0');
    expect_word(at, header->name, BLANKS "\r\n:");
    expect(at, ":");
    *at += strspn(*at, BLANKS);
    assert(header->value[strcspn(header->value, "\r\n")] == '\0');
    expect(at, header->value);
    *at += strspn(*at, BLANKS);
    expect(at, "\r\n");
}

static void check_head(const char *head, size_t length, const struct mg_request_info *info)
{
    const char *at = head;

    at += strspn(at, "\r\n");
    assert(info->request_method[0] != '\0' && info->request_uri[0] != '\0');
    expect_word(&at, info->request_method, BLANKS "\r\n");
    expect(&at, " ");
    expect_word(&at, info->request_uri, BLANKS "\r\n");
    expect(&at, " HTTP/");
    expect_word(&at, info->http_version, BLANKS "\r\n");
    expect(&at, "\r\n");
    for (int i = 0; i < info->num_headers; i++)
        expect_field(&at, &info->http_headers[i]);
    expect(&at, "\r\n");
    assert(at == head + length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mg_request_info info = {0};
    char *sent = input_text(data, size);
    char *parsed = input_text(data, size); /* it is cut up in place */
    int length = get_http_header_len(sent, (int)strlen(sent));

    if (length > 0 && parse_http_request(parsed, length, &info) > 0) {
        check_head(sent, (size_t)length, &info);
        get_uri_type(info.request_uri);
    }
    free(sent);
    free(parsed);
    return 0;
}
