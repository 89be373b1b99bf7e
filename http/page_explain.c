/* What a program is told in a line of text, as a page for a browser. */
#include <string.h>

#include "http/html.h"
#include "http/page.h"

static enum phrase title_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return PHRASE_NOT_ALLOWED;
    case 404:
        return PHRASE_NOT_FOUND;
    case 409:
    case 429:
    case 503:
        return PHRASE_NOT_NOW;
    default:
        return PHRASE_NOT_UNDERSTOOD;
    }
}

static void append_lines(struct html *page, char *text)
{
    char *rest = text;
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        html_text(page, line);
        html_markup(page, rest != NULL && *rest != '\0' ? "<br>\n" : "");
    }
}

void page_explain(const struct page_request *request, struct page_response *response)
{
    struct html page = {&response->body, accept_language(request->accept_language), 0};
    struct strbuf text = response->body;

    if (response->whole.bytes != NULL || strbuf_failed(&text) || text.length == 0)
        return;
    strbuf_init(&response->body, 0);
    response->content_type = PAGE_TYPE_HTML;
    response->vary = "Accept, Accept-Language";
    html_begin(&page, title_of(response->status), "", 0);
    html_markup(&page, "<p class=\"card\" lang=\"en\">");
    append_lines(&page, text.data);
    html_markup(&page, "</p>\n<p><a href=\"/targets\">");
    html_say(&page, PHRASE_BACK, NULL);
    html_markup(&page, "</a></p>\n");
    html_end(&page);
    strbuf_release(&text);
}
