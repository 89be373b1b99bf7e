#include "db/remarks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

void remarks_add(struct remarks *remarks, const char *format, ...)
{
    va_list arguments;

    if (remarks->count++ >= REMARKS_KEPT)
        return;
    va_start(arguments, format);
    vsnprintf(remarks->texts[remarks->count - 1], REMARK_SIZE, format, arguments);
    va_end(arguments);
}

void remarks_lead(struct remarks *remarks, const char *text)
{
    memmove(remarks->texts[1], remarks->texts[0], sizeof(remarks->texts) - REMARK_SIZE);
    snprintf(remarks->texts[0], REMARK_SIZE, "%s", text);
    remarks->count++;
}

size_t remarks_kept(const struct remarks *remarks)
{
    return remarks->count < REMARKS_KEPT ? (size_t)remarks->count : REMARKS_KEPT;
}

uint64_t remarks_hash(const struct remarks *remarks)
{
    uint64_t hash = TEXT_HASH_START;

    if (remarks->count == 0)
        return 0;
    hash = text_hash(hash, &remarks->count, sizeof(remarks->count));
    for (size_t i = 0; i < remarks_kept(remarks); i++)
        hash = text_hash(hash, remarks->texts[i], strlen(remarks->texts[i]));
    return hash;
}
