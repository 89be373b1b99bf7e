/*
 * Renders samples in the Prometheus text formats. Sample lines are the same bytes in text 0.0.4
 * and OpenMetrics 1.0.0; only the family headers and the end differ. Pure; appends to a strbuf,
 * whose sticky failure is the only error.
 */
#ifndef METRICS_EXPOSITION_H
#define METRICS_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "metrics/family.h"

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS, EXPOSITION_FORMAT_COUNT };

/* The Content-Type of a format. Never NULL. */
const char *exposition_content_type(enum exposition_format format);

/*
 * Chooses a format for an Accept header (NULL: absent) by RFC 9110 rules: q-values, wildcards,
 * parameters. OpenMetrics only when it is named, in a version we speak (1.0.0, 0.0.1) or in none,
 * and text is not preferred. Text for everything else: no header is an error.
 */
enum exposition_format exposition_negotiate(const char *accept);

/* "# HELP" and "# TYPE" of a family. */
void exposition_header(struct strbuf *out, enum family_id family, enum exposition_format format);
void exposition_family_header(struct strbuf *out, const struct family *family, enum exposition_format format);

/* "# EOF" for OpenMetrics, nothing for text. */
void exposition_end(struct strbuf *out, enum exposition_format format);

/*
 * A label value with its escapes: backslash, quote, newline. Each maximal subpart of broken UTF-8
 * becomes one U+FFFD; other control characters stay. Without the surrounding quotes. Values that
 * differ only in what was broken become equal.
 */
void exposition_label_value(struct strbuf *out, const char *value);

/*
 * The label block of a sample, braces included; nothing for a family without labels. `values`
 * holds one text per label of the family, in its order.
 */
void exposition_labels(struct strbuf *out, enum family_id family, const char *const *values);

/* One sample line: name (with _total for counters), labels, value. `values` as above. */
void exposition_sample_int(struct strbuf *out, enum family_id family, const char *const *values,
                           int64_t value);
void exposition_sample_uint(struct strbuf *out, enum family_id family, const char *const *values,
                            uint64_t value);
void exposition_sample_double(struct strbuf *out, enum family_id family, const char *const *values,
                              double value);

/*
 * The lines of one histogram: cumulative buckets with `le`, then _sum and _count. bounds are the
 * upper bounds in seconds, ascending, without +Inf; counts has bound_count + 1 plain (not
 * cumulative) entries, the last for +Inf.
 */
void exposition_histogram(struct strbuf *out, enum family_id family, const char *const *values,
                          const double *bounds, const uint64_t *counts, size_t bound_count, double sum);

/* A number as Prometheus reads it: shortest form that gives the same double; +Inf, -Inf, NaN. */
void exposition_number(struct strbuf *out, double value);

/* A wall-clock time (>= 0) in seconds, exact and without going through a double. */
void exposition_unix_ms(struct strbuf *out, int64_t unix_ms);

#endif
