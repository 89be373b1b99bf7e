#include "das/elide.h"

#include <string.h>

struct dropped_member {
    const char *name;
    unsigned part; /* kept when this is wanted; 0: never */
};

static const struct dropped_member dropped_members[] = {
    {"SessionList", 0},
    {"ThreadIdList", 0},
    {"UserList", 0},
    {"ClientStats", DAS_PART_CLIENTS},
    {"DbStats", DAS_PART_SCHEMAS},
};

void elide_init(struct elide *elide, unsigned parts, struct strbuf *out)
{
    *elide = (struct elide){.out = out, .parts = parts, .state = ELIDE_COPY};
}

static bool name_is_dropped(const struct elide *elide)
{
    for (size_t i = 0; i < sizeof(dropped_members) / sizeof(dropped_members[0]); i++) {
        const struct dropped_member *member = &dropped_members[i];

        if (elide->name_length == strlen(member->name) &&
            memcmp(elide->name, member->name, elide->name_length) == 0)
            return (elide->parts & member->part) == 0;
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void begin_string(struct elide *elide)
{
    elide->state = ELIDE_COPY_STRING;
    elide->name_length = 0;
    elide->escaped = false;
}

static void name_add(struct elide *elide, char c)
{
    if (elide->name_length < sizeof(elide->name))
        elide->name[elide->name_length++] = c;
}

/* Takes one byte of a string. True when that byte closes it. */
static bool string_step(struct elide *elide, char c)
{
    if (elide->escaped) {
        elide->escaped = false;
    } else if (c == '\\') {
        elide->escaped = true;
        elide->name_length = sizeof(elide->name);
    } else if (c == '"') {
        return true;
    } else {
        name_add(elide, c);
    }
    return false;
}

/* Takes a byte that is kept, and decides what comes after it. */
static void copy_step(struct elide *elide, char c)
{
    switch (elide->state) {
    case ELIDE_COPY_STRING:
        if (string_step(elide, c))
            elide->state = name_is_dropped(elide) ? ELIDE_AFTER_NAME : ELIDE_COPY;
        return;
    case ELIDE_AFTER_NAME:
        if (c == ':')
            elide->state = ELIDE_BEFORE_VALUE;
        if (c == ':' || is_blank(c))
            return;
        break;
    case ELIDE_BEFORE_VALUE:
        if (is_blank(c))
            return;
        if (c == '[' || c == '{') {
            elide->state = ELIDE_DROP;
            elide->depth = 1;
            return;
        }
        break;
    case ELIDE_COPY:
    case ELIDE_DROP:
    case ELIDE_DROP_STRING:
        break;
    }
    elide->state = ELIDE_COPY;
    if (c == '"')
        begin_string(elide);
}

/* Takes a byte of a value being dropped. True when it closes the value, which is kept again. */
static bool drop_step(struct elide *elide, char c)
{
    if (elide->state == ELIDE_DROP_STRING) {
        if (string_step(elide, c))
            elide->state = ELIDE_DROP;
        return false;
    }
    if (c == '"') {
        elide->state = ELIDE_DROP_STRING;
        elide->escaped = false;
    } else if (c == '[' || c == '{') {
        elide->depth++;
    } else if (c == ']' || c == '}') {
        elide->depth--;
    }
    if (elide->depth > 0)
        return false;
    elide->state = ELIDE_COPY;
    return true;
}

static bool is_dropping(const struct elide *elide)
{
    return elide->state == ELIDE_DROP || elide->state == ELIDE_DROP_STRING;
}

bool elide_feed(struct elide *elide, const char *bytes, size_t length)
{
    size_t kept_from = 0;

    for (size_t i = 0; i < length; i++) {
        if (is_dropping(elide)) {
            if (drop_step(elide, bytes[i]))
                kept_from = i;
            continue;
        }
        copy_step(elide, bytes[i]);
        if (is_dropping(elide))
            strbuf_append(elide->out, bytes + kept_from, i + 1 - kept_from);
    }
    if (!is_dropping(elide))
        strbuf_append(elide->out, bytes + kept_from, length - kept_from);
    return !strbuf_failed(elide->out);
}
