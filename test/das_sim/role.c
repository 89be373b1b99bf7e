#include "role.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "util.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

size_t ram_arn_size(const char *text, const char *kind, char **uid)
{
    char *middle = xprintf(":%s/", kind);
    const char *number = NULL, *name = NULL;
    size_t digits = 0, letters = 0;

    if (strncmp(text, "acs:ram::", strlen("acs:ram::")) == 0) {
        number = text + strlen("acs:ram::");
        digits = strspn(number, DIGITS);
        name = number + digits;
    }
    if (digits > 0 && strncmp(name, middle, strlen(middle)) == 0) {
        name += strlen(middle);
        letters = strspn(name, LETTERS DIGITS ".-_");
    }
    free(middle);
    if (letters == 0 || letters > 64)
        return 0;
    if (uid != NULL) {
        *uid = xstrdup(number);
        (*uid)[digits] = '\0';
    }
    return (size_t)(name - text) + letters;
}

bool role_list_add(struct role_list *list, struct account_book *book, const char *text)
{
    char *uid = NULL;
    size_t size = ram_arn_size(text, "role", &uid);
    struct role role = {0};

    if (size == 0)
        return false;
    role.arn = xstrdup(text);
    role.arn[size] = '\0';
    if ((text[size] != '\0' && text[size] != ':') || role_list_find(list, role.arn) != NULL) {
        free(role.arn);
        free(uid);
        return false;
    }
    if (text[size] == ':' && text[size + 1] != '\0')
        role.external_id = xstrdup(text + size + 1);
    role.account = account_book_get(book, uid);
    list->at = xrealloc(list->at, list->count + 1, sizeof(*list->at));
    list->at[list->count++] = role;
    free(uid);
    return true;
}

struct role *role_list_find(const struct role_list *list, const char *arn)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->at[i].arn, arn) == 0)
            return &list->at[i];
    }
    return NULL;
}

void role_list_release(struct role_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->at[i].arn);
        free(list->at[i].external_id);
    }
    free(list->at);
    *list = (struct role_list){0};
}
