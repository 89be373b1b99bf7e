/* Content-Type and Content-Length of a refresh, one a line: only a form's body is read, and never a long one. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/form.h"
#include "test/fuzz/fuzz_input.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

static void check_read(const struct page_request *request, size_t length)
{
    char *end;

    assert(length <= FORM_LENGTH_MAX);
    assert(strtoul(request->content_length, &end, 10) == length && *end == '\0');
    assert(strncasecmp(request->content_type, FORM_TYPE, strlen(FORM_TYPE)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page_request request = {.method = "POST", .path = "/refresh"};
    char *type = input_text(data, size);
    char *content_length = strchr(type, '\n');
    size_t length;

    if (content_length != NULL) {
        *content_length++ = '\0';
        request.content_length = content_length;
    }
    request.content_type = type;
    length = form_length(&request);
    if (length > 0)
        check_read(&request, length);
    free(type);
    return 0;
}
