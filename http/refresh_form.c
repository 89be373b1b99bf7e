#include "http/refresh_form.h"

#include <stddef.h>

#include "core/clock.h"
#include "http/access.h"
#include "http/form.h"
#include "http/guard.h"

/* What a refresh from this browser needs. */
enum need { NEEDS_NOTHING, NEEDS_TOKEN, NEEDS_ANOTHER_PLACE };

static enum need need_of(const struct page_request *request)
{
    struct page_request post = *request;

    if (request->access != NULL) {
        switch (access_check(request->access, request->authorization, true, request->client, clock_now())) {
        case ACCESS_ADMIN:
            return NEEDS_NOTHING;
        case ACCESS_NEEDS_TOKEN:
            return NEEDS_TOKEN;
        default:
            break;
        }
    }
    /* Any site may link to the page; the form will come from the page itself. */
    post.origin = NULL;
    post.sec_fetch_site = NULL;
    return guard_change_refused(&post) == NULL ? NEEDS_NOTHING : NEEDS_ANOTHER_PLACE;
}

static void hidden(struct html *page, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    html_markup(page, "<input type=\"hidden\" name=\"");
    html_markup(page, name);
    html_markup(page, "\" value=\"");
    html_text(page, value);
    html_markup(page, "\">");
}

static void say_scope(struct html *page, const char *aliyun_uid, const char *ins_id)
{
    if (ins_id[0] != '\0')
        html_say(page, PHRASE_REFRESH_INSTANCE, ins_id, NULL);
    else if (aliyun_uid[0] != '\0')
        html_say(page, PHRASE_REFRESH_ACCOUNT, aliyun_uid, NULL);
    else
        html_say(page, PHRASE_REFRESH_ALL, NULL);
}

void refresh_form(const struct page_request *request, const char *aliyun_uid, const char *ins_id,
                  struct html *page)
{
    enum need need = need_of(request);

    if (need == NEEDS_ANOTHER_PLACE) {
        html_markup(page, "<p class=\"soft small\">");
        html_say(page, PHRASE_REFRESH_ELSEWHERE, NULL);
        html_markup(page, "</p>\n");
        return;
    }
    html_markup(page, "<form class=\"refresh\" method=\"post\" action=\"/refresh\">");
    hidden(page, "aliyun_uid", aliyun_uid);
    hidden(page, "ins_id", ins_id);
    if (need == NEEDS_TOKEN) {
        html_markup(page, "<label>");
        html_say(page, PHRASE_TOKEN, NULL);
        html_markup(page, "<input type=\"password\" name=\"" FORM_TOKEN
                          "\" maxlength=\"255\" autocomplete=\"off\" required></label>");
    }
    html_markup(page, "<button>");
    say_scope(page, aliyun_uid, ins_id);
    html_markup(page, "</button></form>\n");
}
