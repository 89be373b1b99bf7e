#include "http/form.h"

#include <string.h>
#include <strings.h>

#include "core/text.h"

#define FORM_PATH "/refresh"
#define FORM_TYPE "application/x-www-form-urlencoded"

static bool is_form_type(const char *content_type)
{
    size_t length = sizeof(FORM_TYPE) - 1;

    return content_type != NULL && strncasecmp(content_type, FORM_TYPE, length) == 0 &&
           (content_type[length] == '\0' || strchr("; \t", content_type[length]) != NULL);
}

size_t form_length(const struct page_request *request)
{
    int64_t length;

    if (strcmp(request->method, "POST") != 0 || strcmp(request->path, FORM_PATH) != 0)
        return 0;
    if (!is_form_type(request->content_type) || request->content_length == NULL ||
        !text_parse_int(request->content_length, 1, FORM_LENGTH_MAX, &length))
        return 0;
    return (size_t)length;
}
