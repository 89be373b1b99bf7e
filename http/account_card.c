#include "http/account_card.h"

#include "core/clock.h"

static const enum phrase credential_phrases[CREDENTIAL_KIND_COUNT] = {
    [CREDENTIAL_NONE] = PHRASE_CREDENTIALS_NONE,
    [CREDENTIAL_STATIC] = PHRASE_CREDENTIALS_STATIC,
    [CREDENTIAL_ROLE] = PHRASE_CREDENTIALS_ROLE,
    [CREDENTIAL_OIDC_ROLE] = PHRASE_CREDENTIALS_OIDC_ROLE,
    [CREDENTIAL_ECS_ROLE] = PHRASE_CREDENTIALS_ECS_ROLE,
    [CREDENTIAL_URI] = PHRASE_CREDENTIALS_URI,
    [CREDENTIAL_TABLE] = PHRASE_CREDENTIALS_TABLE,
};

static enum phrase state_phrase(const struct account_status *account)
{
    if (account->credential_kind == CREDENTIAL_NONE)
        return PHRASE_CREDENTIALS_NONE;
    if (account->up)
        return PHRASE_UP;
    return account->error != NULL ? PHRASE_DOWN : PHRASE_PENDING;
}

/* In hundredths of the limit, at most all of it. */
static double share(double rate, double limit)
{
    double percent = limit > 0 ? 100 * rate / limit : 0;

    return percent < 100 ? percent : 100;
}

/* In SVG, since a style attribute would need a laxer content security policy. */
static void quota_bar(const struct account_status *account, struct html *page)
{
    double allowed = share(account->rate_effective, account->rate_limit);

    html_markup(page, "<svg class=\"quota\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" "
                      "aria-label=\"");
    html_say(page, PHRASE_QUOTA_BAR, figure_rate(account->rate_demand).text,
             figure_rate(account->rate_used).text, figure_rate(account->rate_effective).text,
             figure_rate(account->rate_limit).text, NULL);
    strbuf_append_format(page->out,
                         "\"><rect class=\"track\" width=\"100\" height=\"10\"/>"
                         "<rect class=\"%s\" width=\"%.1f\" height=\"10\"/>"
                         "<rect class=\"used\" y=\"3\" width=\"%.1f\" height=\"4\"/>"
                         "<rect class=\"allowed\" x=\"%.1f\" width=\"0.7\" height=\"10\"/></svg>\n",
                         account->overcommitted ? "over" : "need",
                         share(account->rate_demand, account->rate_limit),
                         share(account->rate_used, account->rate_limit), allowed < 99.3 ? allowed : 99.3);
}

static void rate_fact(struct html *page, enum phrase name, double rate)
{
    html_fact_begin(page, name);
    html_say(page, PHRASE_CALLS_PER_SECOND, figure_rate(rate).text, NULL);
    html_markup(page, "</dd>\n");
}

static void credentials_fact(const struct account_status *account, struct html *page)
{
    html_fact_begin(page, PHRASE_CREDENTIALS);
    html_say(page, credential_phrases[account->credential_kind], NULL);
    if (account->credentials_expiry_unix_ms > 0) {
        html_markup(page, "<br><span class=\"soft small\">");
        html_say(page,
                 account->credentials_expiry_unix_ms > page->now_unix_ms ? PHRASE_EXPIRES : PHRASE_EXPIRED,
                 NULL);
        html_markup(page, " ");
        html_time(page, account->credentials_expiry_unix_ms);
        html_markup(page, "</span>");
    }
    html_markup(page, "</dd>\n");
}

static void targets_fact(const struct account_status *account, struct html *page)
{
    html_fact_begin(page, PHRASE_TARGETS_UP);
    html_markup(page, "<a href=\"/targets?");
    html_parameter(page, "aliyun_uid", account->aliyun_uid);
    html_markup(page, "\">");
    html_say(page, PHRASE_OF, figure_count(account->targets_up).text, figure_count(account->targets).text,
             NULL);
    html_markup(page, "</a></dd>\n");
}

static void cycle_fact(const struct account_status *account, struct html *page)
{
    html_fact_begin(page, PHRASE_CYCLE);
    html_text(page, figure_seconds(page, account->cycle / NS_PER_SECOND).text);
    if (account->overcommitted) {
        html_markup(page, " <span class=\"badge warning\">! ");
        html_say(page, PHRASE_STRETCHED, NULL);
        html_markup(page, "</span>");
    }
    html_markup(page, "</dd>\n");
}

void account_card(const struct account_status *account, const struct overview *overview, struct html *page)
{
    html_markup(page, "<article class=\"card\"><h3>");
    html_text(page, account->aliyun_uid);
    html_markup(page, " ");
    html_badge(page, account_level(account), state_phrase(account));
    html_markup(page, "</h3>\n");
    if (account->error != NULL && !overview_shows(overview, account->error)) {
        html_markup(page, "<p>");
        html_error(page, account->error);
        html_markup(page, "</p>\n");
    }
    if (account->credential_kind != CREDENTIAL_NONE)
        quota_bar(account, page);
    html_markup(page, "<dl class=\"facts\">\n");
    targets_fact(account, page);
    if (account->credential_kind != CREDENTIAL_NONE) {
        rate_fact(page, PHRASE_RATE_DEMAND, account->rate_demand);
        rate_fact(page, PHRASE_RATE_USED, account->rate_used);
        rate_fact(page, PHRASE_RATE_EFFECTIVE, account->rate_effective);
        rate_fact(page, PHRASE_RATE_LIMIT, account->rate_limit);
        cycle_fact(account, page);
    }
    html_fact_begin(page, PHRASE_THROTTLED);
    html_text(page, figure_count(account->throttled).text);
    html_markup(page, "</dd>\n");
    credentials_fact(account, page);
    html_markup(page, "</dl></article>\n");
}
