#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "http/html.h"
#include "http/negotiate.h"
#include "http/page.h"

#define RELOAD_S 2

static void fact(struct html *page, enum phrase name, const char *text)
{
    html_markup(page, "<dt>");
    html_say(page, name, NULL);
    html_markup(page, "</dt><dd>");
    html_text(page, text);
    html_markup(page, "</dd>\n");
}

static void append_bar(struct html *page, const struct refresh_progress *progress)
{
    html_markup(page, "<progress aria-label=\"");
    html_say(page, PHRASE_REFRESH_PROGRESS, figure_count(progress->done).text,
             figure_count(progress->targets).text, NULL);
    strbuf_append_format(page->out, "\" max=\"%" PRIu64 "\" value=\"%" PRIu64 "\"></progress>\n",
                         progress->targets > 0 ? progress->targets : 1,
                         progress->targets > 0 ? progress->done : 1);
}

static void append_failed(struct html *page, const struct refresh_progress *progress)
{
    if (progress->failed == 0)
        return;
    html_markup(page, "<dt>");
    html_say(page, PHRASE_REFRESH_TARGETS_FAILED, NULL);
    strbuf_append_format(page->out, "</dt><dd>%" PRIu64 " <a href=\"/targets?state=down\">",
                         progress->failed);
    html_say(page, PHRASE_SHOW, NULL);
    html_markup(page, "</a></dd>\n");
}

static void render(struct html *page, const struct refresh_progress *progress)
{
    bool finished = progress->state == REFRESH_FINISHED;
    enum level level = progress->failed > 0 ? LEVEL_WARNING : LEVEL_GOOD;

    html_begin(page, PHRASE_REFRESH, PAGE_REFRESH_PREFIX, finished ? 0 : RELOAD_S);
    html_markup(page, "<div class=\"card\" role=\"status\"><p>");
    html_badge(page, finished ? level : LEVEL_NOTE,
               finished ? PHRASE_REFRESH_FINISHED : PHRASE_REFRESH_RUNNING);
    html_markup(page, "</p>\n");
    append_bar(page, progress);
    html_markup(page, "<dl class=\"facts\">\n<dt>");
    html_say(page, PHRASE_REFRESH_TARGETS_DONE, NULL);
    html_markup(page, "</dt><dd>");
    html_say(page, PHRASE_OF, figure_count(progress->done).text, figure_count(progress->targets).text, NULL);
    html_markup(page, "</dd>\n");
    append_failed(page, progress);
    fact(page, PHRASE_REFRESH_ELAPSED, figure_seconds(page, progress->elapsed / NS_PER_SECOND).text);
    if (!finished && progress->estimated >= 0)
        fact(page, PHRASE_REFRESH_ESTIMATED, figure_seconds(page, progress->estimated / NS_PER_SECOND).text);
    html_markup(page, "</dl>\n");
    if (!finished) {
        html_markup(page, "<p class=\"soft small\">");
        html_say(page, PHRASE_REFRESH_RELOADS, NULL);
        html_markup(page, "</p>\n");
    }
    html_markup(page, "</div>\n<p><a href=\"/targets\">");
    html_say(page, PHRASE_BACK, NULL);
    html_markup(page, "</a></p>\n");
    html_end(page);
}

void page_refresh_progress(const struct page_request *request, const struct providers *providers,
                           struct page_response *response)
{
    struct html page = {&response->body, accept_language(request->accept_language), 0};
    const char *id = request->path + strlen(PAGE_REFRESH_PREFIX);
    struct refresh_progress progress = {0};

    if (!providers->refresh_progress(providers->context, id, &progress)) {
        page_text(response, 404, "no refresh has that id, or it ended long ago");
        return;
    }
    response->vary = "Accept, Accept-Language";
    if (accept_html(request->accept)) {
        response->content_type = PAGE_TYPE_HTML;
        render(&page, &progress);
    } else {
        page_refresh_json(&progress, response);
    }
}
