/*
 * Values are checked while their line is read, so that errors name it. What concerns a section
 * as a whole is checked after the last line.
 */
#include "db/source.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "core/text.h"
#include "db/comma_list.h"

#define SECTION_PREFIX "instance "
#define FIRST_CAPACITY 64

/* One "[instance ID]"; texts lie in the arena of the reader. */
struct section {
    struct instance_row row;
    int line;
    unsigned seen; /* bits, one for each key */
};

struct file_reader {
    unsigned scope;
    struct rows *rows;
    struct arena arena;
    struct section *sections;
    size_t count, capacity;
};

struct file_key {
    const char *name;
    bool (*read)(struct file_reader *reader, const struct file_key *key, struct section *section, char *value,
                 struct error *error);
    size_t offset; /* in struct instance_row, of what a text or a flag fills */
};

static bool no_memory(struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "no memory for the inventory");
    return false;
}

/* The member of the row that a key fills. */
static void *member(struct section *section, const struct file_key *key)
{
    return (char *)&section->row + key->offset;
}

static bool read_text(struct file_reader *reader, const struct file_key *key, struct section *section,
                      char *value, struct error *error)
{
    const char **text = member(section, key);

    (void)reader, (void)error;
    *text = value;
    return true;
}

static bool read_flag(struct file_reader *reader, const struct file_key *key, struct section *section,
                      char *value, struct error *error)
{
    struct row_value *flag = member(section, key);

    (void)reader;
    if (text_parse_int(value, 0, 1, &flag->value))
        return true;
    error_set(error, ERROR_INVENTORY, "%s is '%s', expected 0 or 1", key->name, value);
    return false;
}

/* Splits "NAME:VALUE" in place. A name may hold colons: the last one separates. */
static bool split_item(char *item, char **name, char **value, const char *expected, struct error *error)
{
    char *colon = strrchr(item, ':');

    if (colon == NULL || colon == item) {
        error_set(error, ERROR_INVENTORY, "list item '%s', expected %s", item, expected);
        return false;
    }
    *colon = '\0';
    *name = text_trim(item);
    *value = text_trim(colon + 1);
    return true;
}

static bool read_node(struct file_reader *reader, const struct section *section, char *item,
                      struct error *error)
{
    struct node_row row = {.ins_id = section->row.ins_id, .id = {section->line, NULL}};
    char *name, *value;

    if (!split_item(item, &name, &value, "NODE_ID:write or NODE_ID:read", error))
        return false;
    row.node_id = name;
    row.node_type.value = strcmp(value, "read") == 0;
    if (row.node_type.value == 0 && strcmp(value, "write") != 0) {
        error_set(error, ERROR_INVENTORY, "node '%s' is '%s', expected write or read", name, value);
        return false;
    }
    return (reader->scope & LOAD_INSTANCES) == 0 || rows_add_node(reader->rows, &row) || no_memory(error);
}

static bool read_user(struct file_reader *reader, const struct section *section, char *item,
                      struct error *error)
{
    struct user_row row = {.ins_id = section->row.ins_id};
    char *name, *value;

    if (!split_item(item, &name, &value, "USER:LIMIT", error))
        return false;
    row.username = name;
    if (!text_parse_int(value, 0, ROW_LIMIT_MAX, &row.max_user_connections.value)) {
        error_set(error, ERROR_INVENTORY, "the limit of user '%s' is '%s', expected 0 to %lld", name, value,
                  (long long)ROW_LIMIT_MAX);
        return false;
    }
    return (reader->scope & LOAD_USERS) == 0 || rows_add_user(reader->rows, &row) || no_memory(error);
}

static bool read_nodes(struct file_reader *reader, const struct file_key *key, struct section *section,
                       char *value, struct error *error)
{
    char *rest = *value != '\0' ? value : NULL;
    char *item;

    (void)key;
    while ((item = comma_list_next(&rest)) != NULL) {
        if (!read_node(reader, section, item, error))
            return false;
    }
    return true;
}

static bool read_users(struct file_reader *reader, const struct file_key *key, struct section *section,
                       char *value, struct error *error)
{
    char *rest = *value != '\0' ? value : NULL;
    char *item;

    (void)key;
    while ((item = comma_list_next(&rest)) != NULL) {
        if (!read_user(reader, section, item, error))
            return false;
    }
    return true;
}

static const struct file_key keys[] = {
    {"ins_name", read_text, offsetof(struct instance_row, ins_name)},
    {"ins_type", read_text, offsetof(struct instance_row, ins_type)},
    {"aliyun_uid", read_text, offsetof(struct instance_row, aliyun_uid)},
    {"engine", read_text, offsetof(struct instance_row, engine)},
    {"ins_is_readonly", read_flag, offsetof(struct instance_row, ins_is_readonly)},
    {"ins_status", read_flag, offsetof(struct instance_row, ins_status)},
    {"nodes", read_nodes, 0},
    {"users", read_users, 0},
};

static bool read_key(struct file_reader *reader, const char *name, const char *value, struct error *error)
{
    struct section *section = &reader->sections[reader->count - 1];
    char *copy = arena_strdup(&reader->arena, value);

    if (copy == NULL)
        return no_memory(error);
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(name, keys[i].name) != 0)
            continue;
        if ((section->seen & 1u << i) != 0) {
            error_set(error, ERROR_INVENTORY, "key '%s' a second time in this section", name);
            return false;
        }
        section->seen |= 1u << i;
        return keys[i].read(reader, &keys[i], section, copy, error);
    }
    error_set(error, ERROR_INVENTORY,
              "unknown key '%s', expected ins_name, ins_type, aliyun_uid, ins_is_readonly, ins_status, "
              "engine, nodes or users",
              name);
    return false;
}

static struct section *add_section(struct file_reader *reader)
{
    size_t capacity = reader->capacity == 0 ? FIRST_CAPACITY : reader->capacity * 2;
    struct section *grown;

    if (reader->count == reader->capacity) {
        grown = reallocarray(reader->sections, capacity, sizeof(*grown));
        if (grown == NULL)
            return NULL;
        reader->sections = grown;
        reader->capacity = capacity;
    }
    return &reader->sections[reader->count];
}

static bool begin_section(struct file_reader *reader, const char *header, int line, struct error *error)
{
    const char *ins_id = header + strlen(SECTION_PREFIX);
    struct section *section;

    if (strncmp(header, SECTION_PREFIX, strlen(SECTION_PREFIX)) != 0 || *ins_id == '\0' ||
        strpbrk(ins_id, " \t") != NULL) {
        error_set(error, ERROR_INVENTORY, "section [%s], expected [instance ID]", header);
        return false;
    }
    section = add_section(reader);
    ins_id = arena_strdup(&reader->arena, ins_id);
    if (section == NULL || ins_id == NULL)
        return no_memory(error);
    *section = (struct section){
        .row = {.ins_id = ins_id,
                .ins_name = "",
                .ins_type = "",
                .engine = "",
                .aliyun_uid = "",
                .ins_status = {1, NULL},
                .id = {line, NULL}},
        .line = line,
    };
    reader->count++;
    return true;
}

static bool read_entry(void *context, const char *section, const char *key, const char *value, int line,
                       struct error *error)
{
    struct file_reader *reader = context;

    if (key == NULL)
        return begin_section(reader, section, line, error);
    return read_key(reader, key, value, error);
}

static int section_compare(const void *left, const void *right)
{
    const struct section *a = left;
    const struct section *b = right;
    int order = strcmp(a->row.ins_id, b->row.ins_id);

    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* Checks one section; `previous` is the one before it in the order of ids, or NULL. */
static bool check_section(const char *path, const struct section *section, const struct section *previous,
                          struct error *error)
{
    const struct instance_row *row = &section->row;

    if (previous != NULL && strcmp(previous->row.ins_id, row->ins_id) == 0)
        error_set(error, ERROR_INVENTORY, "[instance %s] a second time, first in line %d", row->ins_id,
                  previous->line);
    else if (row->ins_type[0] == '\0')
        error_set(error, ERROR_INVENTORY, "[instance %s] has no ins_type, expected rds or polardb",
                  row->ins_id);
    else if (row->aliyun_uid[0] == '\0')
        error_set(error, ERROR_INVENTORY, "[instance %s] has no aliyun_uid", row->ins_id);
    else
        return true;
    ini_locate(path, section->line, error);
    return false;
}

static bool finish(struct file_reader *reader, const char *path, struct error *error)
{
    if (reader->count > 1)
        qsort(reader->sections, reader->count, sizeof(*reader->sections), section_compare);
    for (size_t i = 0; i < reader->count; i++) {
        const struct section *section = &reader->sections[i];

        if (!check_section(path, section, i > 0 ? section - 1 : NULL, error))
            return false;
        if ((reader->scope & LOAD_INSTANCES) != 0 && !rows_add_instance(reader->rows, &section->row))
            return no_memory(error);
    }
    return true;
}

unsigned file_read_rows(const char *path, unsigned scope, struct rows *rows, struct error *error)
{
    struct file_reader reader = {.scope = scope, .rows = rows};
    bool whole;

    arena_init(&reader.arena);
    whole = ini_read(path, read_entry, &reader, error) && finish(&reader, path, error);
    arena_release(&reader.arena);
    free(reader.sections);
    if (!whole && error != NULL && error->class != ERROR_NO_MEMORY)
        error->class = ERROR_INVENTORY;
    return whole ? scope : 0;
}
