#include "db/comma_list.h"

#include <string.h>

#include "core/text.h"

char *comma_list_next(char **rest)
{
    char *item = strsep(rest, ",");

    return item != NULL ? text_trim(item) : NULL;
}
