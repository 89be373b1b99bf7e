/*
 * The files of the pages for people, embedded by the build (cmake/embed.cmake). Constant memory; any
 * thread.
 */
#ifndef HTTP_WEB_FILES_H
#define HTTP_WEB_FILES_H

#include <stddef.h>

#include "http/page.h"

#define WEB_FILES_PREFIX "/web/"

/* One form of a file. */
struct embedded_file {
    const char *bytes;
    size_t length;
    const char *etag; /* a strong one, with its quotes; another one for each form */
};

/*
 * "/", "/targets" and what is below WEB_FILES_PREFIX, compressed for clients that take gzip; 304 when
 * If-None-Match names what would be sent. phrases.json is in the language that the client prefers.
 */
page_fn page_web_file;

#endif
