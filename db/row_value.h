/*
 * The values of other people's tables: whatever type a column has, the server sends it as text,
 * and here it is understood or not. Pure.
 */
#ifndef DB_ROW_VALUE_H
#define DB_ROW_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"

#define ROW_NUMBER_NULL INT64_MIN /* SQL NULL, or no number */

struct row_value {
    int64_t value;    /* or ROW_NUMBER_NULL */
    const char *text; /* what was not understood, borrowed; NULL: understood, or SQL NULL */
};

/* A copy of a text without the blanks and line ends around it. NULL when memory runs out. */
const char *row_text_copy(struct arena *arena, const char *text);

/* Makes what was not understood last as long as the arena. False when memory runs out. */
bool row_value_keep(struct arena *arena, struct row_value *value);

/* A whole number of 64 bits, also written as a decimal number ("1.00"). NULL is SQL NULL. */
struct row_value row_number(const char *text);

/*
 * A column that says yes or no: a number, or true, yes, on, read, … for 1 and false, no, off,
 * write, … for 0, in any case.
 */
struct row_value row_flag(const char *text);

/*
 * A moment, in microseconds since 1970: a date, or a date and time, with or without a fraction and
 * an offset (UTC without one), also as digits only; or seconds, ms or µs since 1970.
 */
struct row_value row_time(const char *text);

#endif
