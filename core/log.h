/*
 * Structured logs on standard error: one event a line, logfmt or JSON.
 *
 *     log_info("inventory loaded", log_text("source", "mysql"), log_int("targets", 120));
 *
 * prints   ts=2026-01-02T03:04:05.678Z level=info msg="inventory loaded" source=mysql targets=120
 *
 * Any thread, allocates nothing. A line is written by one write(2) and is at most PIPE_BUF bytes
 * long, so lines never mix; it waits 20 ms for a reader that has stopped, then the line is lost.
 * Values are escaped, cut at about 1 KiB and never interpreted; a field that no longer fits the
 * line is left out. No caller passes a secret.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;
    const char *text; /* NULL: the field is the number */
    int64_t number;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text != NULL ? text : ""};
}

static inline struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

/* Both may be called at any time by any thread. The start is info, logfmt. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* False when a line of that level would be thrown away. */
int log_enabled(enum log_level level);

/* Use the macros below. */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count);

/* One line for an error: level, message, then class, code, request_id and error text. */
void log_error_details(enum log_level level, const char *message, const struct error *error,
                       const struct log_field *fields, size_t count);

#define LOG_FIELDS_(...) ((const struct log_field[]){{NULL, NULL, 0}, ##__VA_ARGS__})
#define LOG_COUNT_(...)  (sizeof(LOG_FIELDS_(__VA_ARGS__)) / sizeof(struct log_field) - 1)
#define LOG_(level, message, ...)                                                                            \
    log_write(level, message, LOG_FIELDS_(__VA_ARGS__) + 1, LOG_COUNT_(__VA_ARGS__))

#define log_debug(message, ...) LOG_(LOG_LEVEL_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...)  LOG_(LOG_LEVEL_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...)  LOG_(LOG_LEVEL_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) LOG_(LOG_LEVEL_ERROR, message, ##__VA_ARGS__)
#define log_failure(level, message, error, ...)                                                              \
    log_error_details(level, message, error, LOG_FIELDS_(__VA_ARGS__) + 1, LOG_COUNT_(__VA_ARGS__))

#endif
