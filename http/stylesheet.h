/* The one stylesheet of the pages, to be put between <style> and </style>. */
#ifndef HTTP_STYLESHEET_H
#define HTTP_STYLESHEET_H

extern const char stylesheet[];

#endif
