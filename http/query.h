/* The query part of a URL. Pure. */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#define QUERY_VALUE_SIZE 256

struct query_parameter {
    const char *name;
    bool present;
    char value[QUERY_VALUE_SIZE]; /* percent-decoded, '+' is a blank; "" when not present */
};

/*
 * Reads "a=1&b=2" (NULL: nothing) into the parameters whose names are given. False, with one
 * line in `why`, for a parameter that is unknown, given twice, too long or not decodable.
 */
bool query_read(const char *query, struct query_parameter *parameters, size_t count, char *why, size_t size);

/* Finds one parameter among others. False when it is not there or not decodable. */
bool query_find(const char *query, struct query_parameter *parameter);

#endif
