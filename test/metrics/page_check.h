/* A strict reader of exported pages, written independently of the code that renders them. */
#ifndef TEST_METRICS_PAGE_CHECK_H
#define TEST_METRICS_PAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strbuf.h"
#include "metrics/exposition.h"
#include "metrics/snapshot.h"

/*
 * Whether a page is valid: UTF-8; each family once, HELP and TYPE before its samples; names,
 * labels, escapes and numbers well-formed; no series twice; "# EOF" last in OpenMetrics and
 * nowhere in text. Otherwise *why says what and in which line.
 */
bool page_check(const char *page, size_t length, enum exposition_format format, char *why, size_t size);

/* Appends the whole page of a snapshot. */
void page_of_snapshot(struct snapshot *snapshot, enum exposition_format format, struct strbuf *page);

/* Whether the page has exactly this line (without its newline). */
bool page_has_line(const struct strbuf *page, const char *line);

/* Number of lines that start like this. */
size_t page_count_lines(const struct strbuf *page, const char *start);

#endif
