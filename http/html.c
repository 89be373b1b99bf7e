#include "http/html.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "http/markup.h"
#include "http/stylesheet.h"

static const struct {
    const char *class;
    const char *mark;
} levels[LEVEL_COUNT] = {
    [LEVEL_GOOD] = {"good", "✓"},
    [LEVEL_NOTE] = {"note", "…"},
    [LEVEL_WARNING] = {"warning", "!"},
    [LEVEL_BAD] = {"bad", "✗"},
};

static const struct {
    const char *path;
    enum phrase name;
} navigation[] = {
    {"/", PHRASE_OVERVIEW},
    {"/targets", PHRASE_TARGETS},
    {"/metrics", PHRASE_METRICS},
};

const char *level_class(enum level level)
{
    return levels[level].class;
}

const char *level_mark(enum level level)
{
    return levels[level].mark;
}

struct figure figure_count(uint64_t count)
{
    struct figure figure;

    snprintf(figure.text, sizeof(figure.text), "%" PRIu64, count);
    return figure;
}

struct figure figure_rate(double calls_per_second)
{
    struct figure figure;

    snprintf(figure.text, sizeof(figure.text), "%.1f", calls_per_second);
    return figure;
}

/* The two largest units. */
struct figure figure_seconds(const struct html *page, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        enum phrase name;
    } units[] = {{86400, PHRASE_UNIT_DAY},
                 {3600, PHRASE_UNIT_HOUR},
                 {60, PHRASE_UNIT_MINUTE},
                 {1, PHRASE_UNIT_SECOND}};
    const char *large, *small;
    int64_t rest;
    int length;
    struct figure figure;
    size_t i = 0;

    while (i < 3 && seconds < units[i].seconds)
        i++;
    large = phrase_text(page->language, units[i].name);
    if (i == 3) {
        snprintf(figure.text, sizeof(figure.text), "%" PRId64 " %s", seconds, large);
        return figure;
    }
    small = phrase_text(page->language, units[i + 1].name);
    rest = seconds % units[i].seconds / units[i + 1].seconds;
    length = snprintf(figure.text, sizeof(figure.text), "%" PRId64 " %s", seconds / units[i].seconds, large);
    if (rest > 0)
        snprintf(figure.text + length, sizeof(figure.text) - (size_t)length, " %" PRId64 " %s", rest, small);
    return figure;
}

static void append_navigation(struct html *page, const char *path)
{
    html_markup(page,
                "<header><div><a class=\"brand\" href=\"/\">MySQL Session Exporter</a>\n<nav aria-label=\"");
    html_say(page, PHRASE_PAGES, NULL);
    html_markup(page, "\">");
    for (size_t i = 0; i < sizeof(navigation) / sizeof(navigation[0]); i++) {
        html_markup(page, "<a href=\"");
        html_markup(page, navigation[i].path);
        html_markup(page, strcmp(path, navigation[i].path) == 0 ? "\" aria-current=\"page\">" : "\">");
        html_say(page, navigation[i].name, NULL);
        html_markup(page, "</a>");
    }
    html_markup(page, "</nav></div></header>\n");
}

void html_begin(struct html *page, enum phrase title, const char *path, int reload_s)
{
    html_markup(page, "<!DOCTYPE html>\n<html lang=\"");
    html_markup(page, page->language == LANGUAGE_ZH ? "zh-CN" : "en");
    html_markup(page, "\"><head><meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (reload_s > 0)
        strbuf_append_format(page->out, "<meta http-equiv=\"refresh\" content=\"%d\">\n", reload_s);
    html_markup(page, "<title>");
    html_say(page, title, NULL);
    html_markup(page, " · MySQL Session Exporter</title>\n<style>\n");
    html_markup(page, stylesheet);
    html_markup(page, "</style></head>\n<body>\n");
    append_navigation(page, path);
    html_markup(page, "<main>\n<h1>");
    html_say(page, title, NULL);
    html_markup(page, "</h1>\n");
}

void html_end(struct html *page)
{
    html_markup(page, "</main>\n</body></html>\n");
}

void html_markup(struct html *page, const char *markup)
{
    strbuf_append_text(page->out, markup);
}

void html_text(struct html *page, const char *text)
{
    markup_html_text(page->out, text);
}

/* Copies the phrase, which needs no escapes, and fills in "{0}" … "{3}". */
static void append_filled(struct html *page, const char *text, const char *const *arguments, size_t count)
{
    const char *brace;

    while ((brace = strchr(text, '{')) != NULL) {
        size_t argument = (size_t)(brace[1] - '0');

        assert(argument < count && brace[2] == '}');
        strbuf_append(page->out, text, (size_t)(brace - text));
        html_text(page, arguments[argument]);
        text = brace + 3;
    }
    html_markup(page, text);
}

void html_say(struct html *page, enum phrase phrase, ...)
{
    const char *given[PHRASE_ARGUMENTS_MAX];
    const char *argument;
    size_t count = 0;
    va_list arguments;

    va_start(arguments, phrase);
    argument = va_arg(arguments, const char *);
    while (argument != NULL && count < PHRASE_ARGUMENTS_MAX) {
        given[count++] = argument;
        argument = va_arg(arguments, const char *);
    }
    va_end(arguments);
    append_filled(page, phrase_text(page->language, phrase), given, count);
}

void html_heading(struct html *page, enum phrase phrase)
{
    html_markup(page, "<h2>");
    html_say(page, phrase, NULL);
    html_markup(page, "</h2>\n");
}

void html_fact_begin(struct html *page, enum phrase name)
{
    html_markup(page, "<dt>");
    html_say(page, name, NULL);
    html_markup(page, "</dt><dd>");
}

void html_badge(struct html *page, enum level level, enum phrase phrase)
{
    strbuf_append_format(page->out, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span> ",
                         level_class(level), level_mark(level));
    html_say(page, phrase, NULL);
    html_markup(page, "</span>");
}

void html_time(struct html *page, int64_t unix_ms)
{
    int64_t distance_s = (unix_ms - page->now_unix_ms) / 1000;
    char iso[CLOCK_ISO_SIZE];

    if (unix_ms == 0) {
        html_markup(page, "–");
        return;
    }
    clock_format_iso(unix_ms, iso);
    strbuf_append_format(page->out, "<time datetime=\"%s\" title=\"%s\">", iso, iso);
    if (distance_s == 0)
        html_say(page, PHRASE_NOW, NULL);
    else if (distance_s > 0)
        html_say(page, PHRASE_IN, figure_seconds(page, distance_s).text, NULL);
    else
        html_say(page, PHRASE_AGO, figure_seconds(page, -distance_s).text, NULL);
    html_markup(page, "</time>");
}

void html_error(struct html *page, const struct error *error)
{
    html_markup(page, "<span class=\"error\" lang=\"en\"><b>");
    html_text(page, error_class_name(error->class));
    html_markup(page, "</b> ");
    html_text(page, error->code);
    html_markup(page, error->code[0] != '\0' ? " · " : "");
    html_text(page, error->message);
    if (error->request_id[0] != '\0') {
        html_markup(page, "<br>RequestId <code>");
        html_text(page, error->request_id);
        html_markup(page, "</code>");
    }
    html_markup(page, "</span>");
}

void html_parameter(struct html *page, const char *name, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    html_markup(page, name);
    html_markup(page, "=");
    for (; *value != '\0'; value++) {
        if (strchr(plain, *value) != NULL)
            strbuf_append_char(page->out, *value);
        else
            strbuf_append_format(page->out, "%%%02X", (unsigned)(unsigned char)*value);
    }
}
