#include "http/accept_encoding.h"

#include "http/weighted_list.h"

#define WEIGHT_NONE (-1) /* the coding is not listed */

bool accept_encoding_gzip(const char *header)
{
    struct weighted_element element;
    int gzip = WEIGHT_NONE;
    int identity = WEIGHT_NONE;
    int any = WEIGHT_NONE;

    if (header == NULL)
        return false;
    while (weighted_list_next(&header, &element)) {
        if (weighted_element_is(&element, "gzip") || weighted_element_is(&element, "x-gzip"))
            gzip = element.weight;
        else if (weighted_element_is(&element, "identity"))
            identity = element.weight;
        else if (weighted_element_is(&element, "*"))
            any = element.weight;
    }
    if (gzip == WEIGHT_NONE)
        gzip = any;
    return gzip > 0 && gzip >= identity;
}
