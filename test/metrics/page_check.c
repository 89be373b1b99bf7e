#include "test/metrics/page_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#define FAMILIES_MAX 256
#define NAME_MAX_    256

struct checker {
    enum exposition_format format;
    char families[FAMILIES_MAX][NAME_MAX_]; /* seen so far; the last is the current one */
    size_t family_count;
    char type[16];
    bool has_type;
    bool ended;
    const char **series; /* starts of sample lines */
    size_t series_count;
    const char *trouble;
};

static bool complain(struct checker *checker, const char *trouble)
{
    checker->trouble = trouble;
    return false;
}

static size_t name_length(const char *text)
{
    size_t length = 0;

    while (isalpha((unsigned char)text[length]) || text[length] == '_' || text[length] == ':' ||
           (length > 0 && isdigit((unsigned char)text[length])))
        length++;
    return length;
}

static bool check_help_text(struct checker *checker, const char *text)
{
    for (; *text != '\n'; text++) {
        if (*text != '\\')
            continue;
        text++;
        if (*text != '\\' && *text != 'n' && !(*text == '"' && checker->format == EXPOSITION_OPENMETRICS))
            return complain(checker, "bad escape in HELP");
    }
    return true;
}

static bool start_family(struct checker *checker, const char *name, size_t length)
{
    size_t i;

    if (length == 0 || length >= NAME_MAX_ || checker->family_count == FAMILIES_MAX)
        return complain(checker, "bad family name");
    for (i = 0; i < checker->family_count; i++) {
        if (strlen(checker->families[i]) == length && memcmp(checker->families[i], name, length) == 0)
            return complain(checker, "family appears twice");
    }
    memcpy(checker->families[checker->family_count], name, length);
    checker->families[checker->family_count++][length] = '\0';
    checker->has_type = false;
    return true;
}

static bool check_type(struct checker *checker, const char *line)
{
    const char *current = checker->family_count > 0 ? checker->families[checker->family_count - 1] : "";
    size_t length = name_length(line);
    size_t type_length;

    if (strlen(current) != length || memcmp(current, line, length) != 0 || line[length] != ' ')
        return complain(checker, "TYPE does not follow its HELP");
    line += length + 1;
    type_length = strcspn(line, "\n");
    if (checker->has_type || type_length >= sizeof(checker->type))
        return complain(checker, "bad TYPE");
    memcpy(checker->type, line, type_length);
    checker->type[type_length] = '\0';
    checker->has_type = true;
    if (strcmp(checker->type, "gauge") != 0 && strcmp(checker->type, "counter") != 0 &&
        strcmp(checker->type, "histogram") != 0)
        return complain(checker, "unknown type");
    return true;
}

static bool check_comment(struct checker *checker, const char *line)
{
    size_t length;

    if (strncmp(line, "# EOF\n", 6) == 0 && checker->format == EXPOSITION_OPENMETRICS) {
        checker->ended = true;
        return true;
    }
    if (strncmp(line, "# TYPE ", 7) == 0)
        return check_type(checker, line + 7);
    if (strncmp(line, "# HELP ", 7) != 0)
        return complain(checker, "unknown comment");
    length = name_length(line + 7);
    if (line[7 + length] != ' ')
        return complain(checker, "HELP without text");
    return start_family(checker, line + 7, length) && check_help_text(checker, line + 7 + length + 1);
}

/* Whether the suffix of a sample's name fits the family's type. */
static bool check_sample_name(struct checker *checker, const char *line, size_t length)
{
    static const char *const histogram[] = {"_bucket", "_sum", "_count", NULL};
    static const char *const total[] = {"_total", NULL};
    static const char *const plain[] = {"", NULL};
    const char *const *suffix = plain;
    const char *family = checker->families[checker->family_count - 1];
    size_t family_length = strlen(family);

    if (strcmp(checker->type, "histogram") == 0)
        suffix = histogram;
    else if (strcmp(checker->type, "counter") == 0 && checker->format == EXPOSITION_OPENMETRICS)
        suffix = total;
    if (strcmp(checker->type, "counter") == 0 && checker->format == EXPOSITION_TEXT &&
        (family_length < 6 || strcmp(family + family_length - 6, "_total") != 0))
        return complain(checker, "counter without _total");
    for (; *suffix != NULL; suffix++) {
        if (length == family_length + strlen(*suffix) && memcmp(line, family, family_length) == 0 &&
            memcmp(line + family_length, *suffix, strlen(*suffix)) == 0)
            return true;
    }
    return complain(checker, "sample does not belong to the family");
}

/* From the opening quote to behind the closing one; NULL when broken. */
static const char *skip_value(struct checker *checker, const char *text)
{
    for (text++; *text != '"'; text++) {
        if (*text == '\n' || *text == '\0')
            return complain(checker, "label value not closed"), NULL;
        if (*text == '\\' && *++text != '\\' && *text != '"' && *text != 'n')
            return complain(checker, "bad escape in label value"), NULL;
    }
    return text + 1;
}

/* From '{' to behind '}'; NULL when broken. */
static const char *skip_labels(struct checker *checker, const char *text)
{
    size_t length;

    do {
        text++;
        length = name_length(text);
        if (length == 0 || memchr(text, ':', length) != NULL || strncmp(text + length, "=\"", 2) != 0)
            return complain(checker, "bad label"), NULL;
        text = skip_value(checker, text + length + 1);
    } while (text != NULL && *text == ',');
    if (text != NULL && *text != '}')
        return complain(checker, "labels not closed"), NULL;
    return text == NULL ? NULL : text + 1;
}

static bool check_sample(struct checker *checker, const char *line)
{
    const char *text = line + name_length(line);
    char *end;

    if (checker->family_count == 0 || !checker->has_type)
        return complain(checker, "sample without TYPE");
    if (!check_sample_name(checker, line, (size_t)(text - line)))
        return false;
    if (*text == '{')
        text = skip_labels(checker, text);
    if (text == NULL)
        return false;
    if (*text != ' ' || isspace((unsigned char)text[1]))
        return complain(checker, "no value");
    strtod(text + 1, &end);
    if (end == text + 1 || *end != '\n')
        return complain(checker, "bad value");
    checker->series[checker->series_count++] = line;
    return true;
}

static size_t series_length(const char *line)
{
    size_t length = strcspn(line, "\n");

    while (line[length] != ' ')
        length--;
    return length;
}

static int compare_series(const void *left, const void *right)
{
    const char *a = *(const char *const *)left;
    const char *b = *(const char *const *)right;
    size_t a_length = series_length(a);
    size_t b_length = series_length(b);
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static bool check_unique(struct checker *checker)
{
    size_t i;

    qsort(checker->series, checker->series_count, sizeof(*checker->series), compare_series);
    for (i = 1; i < checker->series_count; i++) {
        if (compare_series(&checker->series[i - 1], &checker->series[i]) == 0)
            return complain(checker, "series appears twice");
    }
    return true;
}

static bool check_bytes(struct checker *checker, const char *page, size_t length)
{
    size_t step;
    size_t i;

    for (i = 0; i < length; i += step) {
        step = text_utf8_length(page + i, length - i);
        if (step == 0 || page[i] == '\0')
            return complain(checker, "not UTF-8 text");
    }
    if (length > 0 && page[length - 1] != '\n')
        return complain(checker, "last line not ended");
    return true;
}

static bool check_page(struct checker *checker, const char *page, size_t length, size_t *line_number)
{
    const char *line;

    if (!check_bytes(checker, page, length))
        return false;
    for (line = page; line < page + length; line = strchr(line, '\n') + 1) {
        ++*line_number;
        if (checker->ended)
            return complain(checker, "text after EOF");
        if (!(*line == '#' ? check_comment(checker, line) : check_sample(checker, line)))
            return false;
    }
    if (checker->format == EXPOSITION_OPENMETRICS && !checker->ended)
        return complain(checker, "no EOF");
    return check_unique(checker);
}

static size_t count_newlines(const char *page, size_t length)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < length; i++)
        count += page[i] == '\n';
    return count;
}

bool page_check(const char *page, size_t length, enum exposition_format format, char *why, size_t size)
{
    struct checker *checker = calloc(1, sizeof(*checker));
    size_t line_number = 0;
    bool valid;

    if (checker == NULL)
        abort();
    checker->format = format;
    checker->series = calloc(count_newlines(page, length) + 1, sizeof(*checker->series));
    if (checker->series == NULL)
        abort();
    valid = check_page(checker, page, length, &line_number);
    if (!valid)
        snprintf(why, size, "line %zu: %s", line_number, checker->trouble);
    free(checker->series);
    free(checker);
    return valid;
}

void page_of_snapshot(struct snapshot *snapshot, enum exposition_format format, struct strbuf *page)
{
    const struct snapshot_part *parts;
    size_t count;
    size_t length;
    size_t i;

    parts = snapshot_parts(snapshot, format, &count, &length);
    for (i = 0; i < count; i++)
        strbuf_append(page, parts[i].bytes, parts[i].length);
}

bool page_has_line(const struct strbuf *page, const char *line)
{
    size_t length = strlen(line);
    const char *at = strbuf_text(page);

    for (; (at = strstr(at, line)) != NULL; at++) {
        if ((at == page->data || at[-1] == '\n') && at[length] == '\n')
            return true;
    }
    return false;
}

size_t page_count_lines(const struct strbuf *page, const char *start)
{
    const char *at = strbuf_text(page);
    size_t count = 0;

    for (; (at = strstr(at, start)) != NULL; at++)
        count += at == page->data || at[-1] == '\n';
    return count;
}
