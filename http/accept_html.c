#include "http/accept_html.h"

#include <stddef.h>

#include "http/weighted_list.h"

bool accept_html(const char *header)
{
    struct weighted_element element;
    int html = 0;
    int json = 0;

    if (header == NULL)
        return false;
    while (weighted_list_next(&header, &element)) {
        if (weighted_element_is(&element, "text/html"))
            html = element.weight;
        else if (weighted_element_is(&element, "application/json"))
            json = element.weight;
    }
    return html > 0 && html >= json;
}
