#include "db/comma_list.h"

#include <string.h>

#define BLANKS " \t"

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

char *comma_list_next(char **rest)
{
    char *item = strsep(rest, ",");

    return item != NULL ? text_trim(item) : NULL;
}
