#include "db/row_remarks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/strbuf.h"
#include "core/text.h"

void row_name_format(char name[ROW_NAME_SIZE], struct row_value id, const char *format, ...)
{
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    vsnprintf(name, ROW_NAME_SIZE, format, arguments);
    va_end(arguments);
    length = strlen(name);
    if (id.text != NULL)
        snprintf(name + length, ROW_NAME_SIZE - length, " (row '%.40s')", id.text);
    else if (id.value != ROW_NUMBER_NULL)
        snprintf(name + length, ROW_NAME_SIZE - length, " (row %lld)", (long long)id.value);
    else
        snprintf(name + length, ROW_NAME_SIZE - length, " (a row without id)");
}

void remark_value(struct remarks *remarks, const char *row_name, const char *column, struct row_value value,
                  const char *expected)
{
    const char *invisible = value.text != NULL ? text_invisible(value.text) : NULL;

    if (value.text != NULL)
        remarks_add(remarks, "%s: %s is '%.60s'%s%s, expected %s", row_name, column, value.text,
                    invisible != NULL ? ", with " : "", invisible != NULL ? invisible : "", expected);
    else if (value.value == ROW_NUMBER_NULL)
        remarks_add(remarks, "%s: %s is NULL, expected %s", row_name, column, expected);
    else
        remarks_add(remarks, "%s: %s is %lld, expected %s", row_name, column, (long long)value.value,
                    expected);
}

void remark_invisible(struct remarks *remarks, const char *row_name, const char *column, const char *text)
{
    remarks_add(remarks, "%s: %s is '%.60s', which holds %s; delete it", row_name, column, text,
                text_invisible(text));
}

void remark_undated(struct remarks *remarks, const char *row_name, struct row_value updated)
{
    remark_value(remarks, row_name, "updatetime", updated,
                 "a date and time or seconds since 1970; among duplicates the larger id is newer");
}

void remark_none_left(struct remarks *remarks, const char *what, uint64_t row_count,
                      const uint64_t rejected[REJECTION_COUNT])
{
    struct strbuf text;
    const char *separator = ":";

    strbuf_init(&text, REMARK_SIZE);
    if (row_count == 0)
        strbuf_append_format(&text, "there are no rows of %s", what);
    else
        strbuf_append_format(&text, "every row of %s is left out", what);
    for (int i = 0; i < REJECTION_COUNT; i++) {
        if (rejected[i] == 0)
            continue;
        strbuf_append_format(&text, "%s %" PRIu64 " %s", separator, rejected[i],
                             rejection_name((enum rejection)i));
        separator = ",";
    }
    remarks_lead(remarks, strbuf_text(&text));
    strbuf_release(&text);
}
