/* The languages of the pages for people. Pure. */
#ifndef HTTP_LANGUAGE_H
#define HTTP_LANGUAGE_H

enum language { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGE_COUNT };

/* The tag of the lang attribute. */
const char *language_tag(enum language language);

/*
 * The language that an Accept-Language header (RFC 9110, 12.5.4) prefers; at equal weights the one
 * it names first. English when it names neither. header NULL: absent.
 */
enum language language_negotiate(const char *header);

#endif
