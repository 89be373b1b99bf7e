/* Lists whose elements have weights (RFC 9110, 12.4.2): "gzip;q=0.5, br". Pure. */
#ifndef HTTP_WEIGHTED_LIST_H
#define HTTP_WEIGHTED_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define WEIGHT_FULL 1000

struct weighted_element {
    const char *name; /* inside the header */
    size_t length;
    int weight; /* thousandths, 0 … WEIGHT_FULL; what is not a weight counts as 0 */
};

/* Takes the next element off *list, passing over parameters but q. False at the end. */
bool weighted_list_next(const char **list, struct weighted_element *element);

/* Compares without regard to case. */
bool weighted_element_is(const struct weighted_element *element, const char *name);

#endif
