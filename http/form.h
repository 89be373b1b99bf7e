/*
 * The one request body that is read: the fields of the refresh form, which can hold what a form cannot
 * send otherwise, the admin token. Pure.
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include <stddef.h>

#include "http/pages.h"

#define FORM_LENGTH_MAX 4096
#define FORM_TOKEN      "token" /* the field with the admin token */

/*
 * The length of the body to be read into request->form: that of a POST /refresh with the Content-Type of
 * a form, one Content-Length from 1 to FORM_LENGTH_MAX and no Transfer-Encoding. 0: none is to be read.
 */
size_t form_length(const struct page_request *request);

#endif
