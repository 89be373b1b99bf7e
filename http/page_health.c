#include "http/page.h"

#define WHY_SIZE 256

typedef bool check_fn(void *context, char *why, size_t size);

static void answer_check(check_fn *check, void *context, struct page_response *response)
{
    char why[WHY_SIZE] = "";

    if (check(context, why, sizeof(why)))
        page_text(response, 200, "ok");
    else
        page_text(response, 503, "%s", why);
}

void page_healthy(const struct page_request *request, const struct providers *providers,
                  struct page_response *response)
{
    (void)request;
    answer_check(providers->healthy, providers->context, response);
}

void page_ready(const struct page_request *request, const struct providers *providers,
                struct page_response *response)
{
    (void)request;
    answer_check(providers->ready, providers->context, response);
}

void page_reload(const struct page_request *request, const struct providers *providers,
                 struct page_response *response)
{
    struct error error;

    (void)request;
    error_clear(&error);
    if (providers->reload(providers->context, &error))
        page_text(response, 200, "configuration reloaded");
    else
        page_text(response, 400, "configuration not reloaded, the old one stays: %s", error.message);
}
