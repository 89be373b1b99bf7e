#include "db/row_value.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/text.h"

#define VALUE_SIZE 64 /* nothing that is a number or a time is longer */

#define US_PER_SECOND INT64_C(1000000)
#define DAY_SECONDS   86400

/* Since 1970: seconds until the year 5138; what is larger is ms, then µs. */
#define EPOCH_SECONDS_MAX INT64_C(100000000000)
#define EPOCH_MS_MAX      (EPOCH_SECONDS_MAX * 1000)
#define EPOCH_US_MAX      (EPOCH_MS_MAX * 1000)

/* Of a date, and of a date and time, as MySQL writes them as a number. */
#define DATE_DIGITS      8
#define DATE_TIME_DIGITS 14

static const struct {
    const char *word;
    int64_t value;
} words[] = {{"no", 0},         {"false", 0},      {"off", 0},       {"n", 0},        {"f", 0},  {"write", 0},
             {"read-write", 0}, {"read_write", 0}, {"yes", 1},       {"true", 1},     {"on", 1}, {"y", 1},
             {"t", 1},          {"read", 1},       {"read-only", 1}, {"read_only", 1}};

/* A trimmed copy; false for what is too long to be a value, or SQL NULL. */
static bool trimmed(const char *text, char buffer[VALUE_SIZE], char **value)
{
    if (text == NULL || snprintf(buffer, VALUE_SIZE, "%s", text) >= VALUE_SIZE)
        return false;
    *value = text_trim(buffer);
    return true;
}

/* ".000" and nothing else. */
static bool is_zero_fraction(const char *text)
{
    return *text == '\0' || (*text == '.' && text[1 + strspn(text + 1, "0")] == '\0');
}

static bool parse_number(char *text, int64_t *value)
{
    char *point = text + strcspn(text, ".");

    if (!is_zero_fraction(point))
        return false;
    *point = '\0';
    return text_parse_int(text, ROW_NUMBER_NULL + 1, INT64_MAX, value);
}

static bool parse_flag(char *text, int64_t *value)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(words[i].word, text) == 0) {
            *value = words[i].value;
            return true;
        }
    }
    return parse_number(text, value);
}

/* Exactly `count` digits at *text, which is moved behind them. */
static bool take_number(const char **text, int count, int64_t *value)
{
    int64_t result = 0;

    for (int i = 0; i < count; i++) {
        char digit = (*text)[i];

        if (digit < '0' || digit > '9')
            return false;
        result = result * 10 + (digit - '0');
    }
    *text += count;
    *value = result;
    return true;
}

static bool take_char(const char **text, const char *allowed)
{
    if (**text == '\0' || strchr(allowed, **text) == NULL)
        return false;
    ++*text;
    return true;
}

/* Days since 1970 in the Gregorian calendar; years start in March, so that a leap day is the last. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted_year = month > 2 ? year : year - 1;
    int64_t shifted_month = month > 2 ? month - 3 : month + 9;

    return 365 * shifted_year + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 +
           (153 * shifted_month + 2) / 5 + day - 1 - 719468;
}

/* "2026-01-31" or "20260131"; MySQL's zero dates are no dates. */
static bool take_date(const char **text, int64_t *seconds)
{
    int64_t year, month, day;
    bool separated;

    if (!take_number(text, 4, &year))
        return false;
    separated = take_char(text, "-/");
    if (!take_number(text, 2, &month) || (separated && !take_char(text, "-/")) || !take_number(text, 2, &day))
        return false;
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *seconds = days_since_1970(year, month, day) * DAY_SECONDS;
    return true;
}

/* "23:59:59" or "235959". */
static bool take_clock(const char **text, int64_t *seconds)
{
    int64_t hour, minute, second;
    bool separated;

    if (!take_number(text, 2, &hour))
        return false;
    separated = take_char(text, ":");
    if (!take_number(text, 2, &minute) || (separated && !take_char(text, ":")) ||
        !take_number(text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds += hour * 3600 + minute * 60 + second;
    return true;
}

/* Digits after a point, as microseconds; what is finer is dropped. */
static int64_t take_fraction(const char **text)
{
    int64_t unit = US_PER_SECOND;
    int64_t microseconds = 0;

    if (!take_char(text, "."))
        return 0;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        unit /= 10;
        microseconds += (**text - '0') * unit;
    }
    return microseconds;
}

/* "Z", "+08:00", "-0330" or nothing. */
static bool take_offset(const char **text, int64_t *seconds)
{
    bool west;
    int64_t hours, minutes;

    while (take_char(text, " "))
        ;
    west = **text == '-';
    if (**text == '\0' || take_char(text, "Zz"))
        return true;
    if (!take_char(text, "+-") || !take_number(text, 2, &hours))
        return false;
    take_char(text, ":");
    if (!take_number(text, 2, &minutes))
        return false;
    *seconds += (west ? 1 : -1) * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse_date_time(const char *text, int64_t *microseconds)
{
    int64_t seconds;
    int64_t fraction = 0;

    if (!take_date(&text, &seconds))
        return false;
    if (*text != '\0') {
        take_char(&text, " T");
        if (!take_clock(&text, &seconds))
            return false;
        fraction = take_fraction(&text);
        if (!take_offset(&text, &seconds) || *text != '\0')
            return false;
    }
    *microseconds = seconds * US_PER_SECOND + fraction;
    return true;
}

/* Seconds, ms or µs since 1970, with or without a fraction of them. */
static bool parse_epoch(char *text, int64_t *microseconds)
{
    const char *point = text + strcspn(text, ".");
    const char *rest = point;
    int64_t fraction = take_fraction(&rest);
    int64_t number;

    if (*rest != '\0')
        return false;
    text[point - text] = '\0';
    if (!text_parse_int(text, 1, EPOCH_US_MAX, &number))
        return false;
    if (number < EPOCH_SECONDS_MAX)
        *microseconds = number * US_PER_SECOND + fraction;
    else if (number < EPOCH_MS_MAX)
        *microseconds = number * 1000 + fraction / 1000;
    else
        *microseconds = number;
    return true;
}

static bool parse_time(char *text, int64_t *value)
{
    size_t digits = strspn(text, "0123456789");
    bool as_number = text[digits] == '\0' || text[digits] == '.';

    if (as_number && digits != DATE_DIGITS && digits != DATE_TIME_DIGITS)
        return parse_epoch(text, value);
    return parse_date_time(text, value);
}

static struct row_value understood(const char *text, bool (*parse)(char *, int64_t *))
{
    char buffer[VALUE_SIZE];
    char *value;
    struct row_value result = {ROW_NUMBER_NULL, NULL};

    if (!trimmed(text, buffer, &value) || !parse(value, &result.value))
        result = (struct row_value){ROW_NUMBER_NULL, text};
    return result;
}

struct row_value row_number(const char *text)
{
    return understood(text, parse_number);
}

struct row_value row_flag(const char *text)
{
    return understood(text, parse_flag);
}

struct row_value row_time(const char *text)
{
    return understood(text, parse_time);
}

const char *row_text_copy(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);

    return copy != NULL ? text_trim(copy) : NULL;
}

bool row_value_keep(struct arena *arena, struct row_value *value)
{
    if (value->text == NULL)
        return true;
    value->text = arena_strdup(arena, value->text);
    return value->text != NULL;
}
