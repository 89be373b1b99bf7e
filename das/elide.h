/*
 * Drops the bulk of a DAS reply while it arrives: the content of the members SessionList (the
 * whole process list with SQL text), ThreadIdList and UserList is left out, so that an array
 * becomes [] and an object {}; so is that of ClientStats and DbStats unless the caller wants it.
 * Any other value of these members (null, a string, a number) is
 * kept as it is: it is no bulk, and it is not for this module to judge.
 *
 * What remains is small whatever the size of the reply, and never longer than the input. Works
 * over any split of the input; a text inside a string is never mistaken for a member. A member
 * whose name is written with escapes is not recognised and kept. Input that is no JSON passes
 * through, or loses what stands where the content of such a member would. Memory is constant
 * but for `out`. Pure; owned by one thread.
 */
#ifndef DAS_ELIDE_H
#define DAS_ELIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"

/* What a caller may want of a reply beside the users. */
enum das_part { DAS_PART_CLIENTS = 1, DAS_PART_SCHEMAS = 2, DAS_PART_ALL = 3 };

enum elide_state {
    ELIDE_COPY,         /* between tokens, everything is kept */
    ELIDE_COPY_STRING,  /* inside a string that is kept */
    ELIDE_AFTER_NAME,   /* a string that may name a member we drop; a colon would prove it */
    ELIDE_BEFORE_VALUE, /* that member's value comes next */
    ELIDE_DROP,         /* inside the value, outside of its strings */
    ELIDE_DROP_STRING,  /* inside a string of the value */
};

struct elide {
    struct strbuf *out;
    unsigned parts;
    enum elide_state state;
    char name[16];       /* the string being read, as far as it fits */
    uint8_t name_length; /* sizeof(name): too long, or with escapes */
    bool escaped;        /* the byte before was the backslash of an escape */
    size_t depth;        /* open brackets inside the value being dropped */
};

/* `parts` is a set of enum das_part to be kept; `out` is borrowed until the last elide_feed. */
void elide_init(struct elide *elide, unsigned parts, struct strbuf *out);

/* Feeds the next bytes. False when `out` failed. */
bool elide_feed(struct elide *elide, const char *bytes, size_t length);

#endif
