#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"

#define BLANKS    " \t\r\n\v\f"
#define FNV_PRIME UINT64_C(0x100000001b3)

struct unit {
    const char *suffix;
    int64_t factor;
};

/* Largest first. */
static const struct unit duration_units[] = {
    {"h", 3600 * NS_PER_SECOND}, {"m", 60 * NS_PER_SECOND}, {"s", NS_PER_SECOND}, {"ms", NS_PER_MS}};
static const struct unit size_units[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};

/* What editors, spreadsheets and input methods leave behind. */
static const struct {
    const char *bytes;
    const char *name;
} invisible[] = {
    {"\xc2\xa0", "a no-break space (U+00A0)"},         {"\xc2\xad", "a soft hyphen (U+00AD)"},
    {"\xe2\x80\x8b", "a zero-width space (U+200B)"},   {"\xe2\x80\x8c", "a zero-width non-joiner (U+200C)"},
    {"\xe2\x80\x8d", "a zero-width joiner (U+200D)"},  {"\xe2\x80\x8e", "a left-to-right mark (U+200E)"},
    {"\xe2\x80\x8f", "a right-to-left mark (U+200F)"}, {"\xe2\x80\xaf", "a narrow no-break space (U+202F)"},
    {"\xe2\x81\xa0", "a word joiner (U+2060)"},        {"\xe3\x80\x80", "an ideographic space (U+3000)"},
    {"\xef\xbb\xbf", "a byte order mark (U+FEFF)"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The digits at *text, which is moved behind them. At least one; false on overflow. */
static bool take_digits(const char **text, uint64_t *value)
{
    const char *p = *text;
    uint64_t result = 0;

    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(result, 10, &result) ||
            __builtin_add_overflow(result, (uint64_t)(*p - '0'), &result))
            return false;
    }
    *text = p;
    *value = result;
    return true;
}

bool text_parse_int(const char *text, int64_t minimum, int64_t maximum, int64_t *value)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    int64_t result;

    if (negative)
        text++;
    if (!take_digits(&text, &magnitude) || *text != '\0')
        return false;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    result = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (result < minimum || result > maximum)
        return false;
    *value = result;
    return true;
}

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *value)
{
    uint64_t number;
    int64_t result;

    if (!take_digits(&text, &number) || number > INT64_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, units[i].suffix) != 0)
            continue;
        if (__builtin_mul_overflow((int64_t)number, units[i].factor, &result))
            return false;
        *value = result;
        return true;
    }
    return false;
}

bool text_parse_duration(const char *text, int64_t *duration_ns)
{
    if (strcmp(text, "0") == 0) {
        *duration_ns = 0;
        return true;
    }
    return parse_with_unit(text, duration_units, COUNT(duration_units), duration_ns);
}

bool text_parse_size(const char *text, int64_t *bytes)
{
    return parse_with_unit(text, size_units, COUNT(size_units), bytes);
}

bool text_parse_bool(const char *text, bool *value)
{
    static const char *const names[] = {"no", "yes", "false", "true", "off", "on"};

    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static void format_with_unit(int64_t value, const struct unit *units, size_t count, char *buffer, size_t size)
{
    size_t i = 0;

    while (i + 1 < count && value % units[i].factor != 0)
        i++;
    snprintf(buffer, size, "%" PRId64 "%s", value / units[i].factor, units[i].suffix);
}

void text_format_duration(int64_t duration_ns, char *buffer, size_t size)
{
    if (duration_ns / NS_PER_MS == 0)
        snprintf(buffer, size, "0");
    else
        format_with_unit(duration_ns, duration_units, COUNT(duration_units), buffer, size);
}

void text_format_size(int64_t bytes, char *buffer, size_t size)
{
    if (bytes == 0)
        snprintf(buffer, size, "0");
    else
        format_with_unit(bytes, size_units, COUNT(size_units), buffer, size);
}

static bool in_range(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/*
 * The range of the second byte is what excludes overlong forms, surrogates and code points over
 * U+10FFFF (RFC 3629, section 4).
 */
size_t text_utf8_length(const char *bytes, size_t available)
{
    const unsigned char *p = (const unsigned char *)bytes;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t length;

    if (available == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (in_range(p[0], 0xc2, 0xdf))
        length = 2;
    else if (in_range(p[0], 0xe0, 0xef))
        length = 3;
    else if (in_range(p[0], 0xf0, 0xf4))
        length = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (available < length || !in_range(p[1], low, high))
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (!in_range(p[i], 0x80, 0xbf))
            return 0;
    }
    return length;
}

/* The C1 controls, which some terminals obey, are U+0080 to U+009F. */
size_t text_visible(const char *text, size_t available, char shown[TEXT_VISIBLE_SIZE])
{
    size_t length = text_utf8_length(text, available);
    unsigned char first = (unsigned char)text[0];
    bool is_c1 = length == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0;

    if (length == 0)
        snprintf(shown, TEXT_VISIBLE_SIZE, "\xef\xbf\xbd");
    else if (first == '\n')
        snprintf(shown, TEXT_VISIBLE_SIZE, "\\n");
    else if (first < 0x20 || first == 0x7f || is_c1)
        snprintf(shown, TEXT_VISIBLE_SIZE, "\\u%04x", is_c1 ? (unsigned char)text[1] : first);
    else
        snprintf(shown, TEXT_VISIBLE_SIZE, "%.*s", (int)length, text);
    return length == 0 ? 1 : length;
}

char *text_trim(char *text)
{
    size_t length;

    text += strspn(text, BLANKS);
    length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

const char *text_invisible(const char *text)
{
    const char *first = NULL;
    const char *name = NULL;

    for (size_t i = 0; i < COUNT(invisible); i++) {
        const char *found = strstr(text, invisible[i].bytes);

        if (found != NULL && (first == NULL || found < first)) {
            first = found;
            name = invisible[i].name;
        }
    }
    return name;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t text_sort_unique(const char **texts, size_t count)
{
    size_t unique = 0;

    qsort(texts, count, sizeof(*texts), compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || strcmp(texts[unique - 1], texts[i]) != 0)
            texts[unique++] = texts[i];
    }
    return unique;
}

uint64_t text_hash(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ p[i]) * FNV_PRIME;
    return hash;
}
