/* The button that refreshes, for a browser without JavaScript. */
#ifndef HTTP_REFRESH_FORM_H
#define HTTP_REFRESH_FORM_H

#include "http/html.h"
#include "http/pages.h"
#include "http/providers.h"

/*
 * A form for everything, or for one account or one instance ("": not narrowed); it asks for the admin token
 * when that is needed, and is replaced by a hint where nothing can be refreshed from.
 */
void refresh_form(const struct page_request *request, const char *aliyun_uid, const char *ins_id,
                  struct html *page);

#endif
