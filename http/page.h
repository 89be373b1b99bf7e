/*
 * One function per page, and what they share. Internal to http/: the routing table in pages.c
 * calls the pages, nobody else does.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "http/pages.h"
#include "http/providers.h"

/*
 * Fills a response that pages_answer has initialised (status 200, empty body). The method is one
 * the routing table allows, the request has no body, and a POST comes from where it may.
 */
typedef void page_fn(const struct page_request *request, const struct providers *providers,
                     struct page_response *response);

page_fn page_metrics;
page_fn page_overview;
page_fn page_targets;
page_fn page_refresh;
page_fn page_refresh_progress;
page_fn page_healthy;
page_fn page_ready;
page_fn page_reload;

#define PAGE_TYPE_TEXT "text/plain; charset=utf-8"
#define PAGE_TYPE_HTML "text/html; charset=utf-8"
#define PAGE_TYPE_JSON "application/json"

#define PAGE_WHY_SIZE 384 /* of one line about a wrong query */

#define PAGE_REFRESH_PREFIX "/refresh/"

/* Begins every path in an answer. */
static inline const char *page_external_path(const struct page_request *request)
{
    return request->external_path != NULL ? request->external_path : "";
}

/* Makes the response one line of plain text. */
void page_text(struct page_response *response, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A 503: the scheduler has never made a status. */
void page_no_status(struct page_response *response);

/* A 503 that says that memory ran out; needs none. */
void page_no_memory(struct page_response *response);

#endif
