/* A list of decoded name/value pairs: query parameters, form fields, headers. */
#ifndef DAS_SIM_FIELD_H
#define DAS_SIM_FIELD_H

#include <stdbool.h>
#include <stddef.h>

struct field {
    char *name;
    char *value;
};

struct field_list {
    struct field *at;
    size_t count;
    size_t capacity;
};

/* Copies both texts. */
void field_list_add(struct field_list *list, const char *name, const char *value);
/* Adds the pairs of an application/x-www-form-urlencoded text (a query string or
 * a form body). False when an escape is broken or a decoded byte is NUL. */
bool field_list_add_encoded(struct field_list *list, const char *text, size_t size);
/* The value of the first field of that name, or NULL. Names compare exactly. */
const char *field_list_get(const struct field_list *list, const char *name);
/* How many fields have that name. */
size_t field_list_count(const struct field_list *list, const char *name);
/* By name, then by value: the order in which both signatures want them. */
void field_list_sort(struct field_list *list);
void field_list_release(struct field_list *list);

#endif
