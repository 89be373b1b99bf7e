#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/ini.h"
#include "config/table.h"
#include "core/text.h"

#define SUGGESTION_DISTANCE_MAX 2
#define KEY_SHOWN_MAX           40
#define SHOWN_NAME              "%.60s" /* names from the file, cut so that the advice still fits */

const struct config_key *config_key_find(const char *section, const char *key)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].key, key) == 0)
            return &config_keys[i];
    }
    return NULL;
}

const struct config_key *config_key_find_file(const char *section, const char *key)
{
    static const char suffix[] = "_file";
    size_t length = strlen(key);
    char name[INI_NAME_MAX + 1];
    const struct config_key *found;

    if (length < strlen(suffix) || length > INI_NAME_MAX)
        return NULL;
    length -= strlen(suffix);
    if (strcmp(key + length, suffix) != 0)
        return NULL;
    memcpy(name, key, length);
    name[length] = '\0';
    found = config_key_find(section, name);
    return found != NULL && (found->flags & CONFIG_FROM_FILE) != 0 ? found : NULL;
}

bool config_section_known(const char *section)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0)
            return true;
    }
    return false;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Wagner and Fischer's edit distance, one row at a time. The candidate fits INI_NAME_MAX. */
static size_t edit_distance(const char *text, const char *candidate)
{
    size_t width = strlen(candidate);
    size_t row[INI_NAME_MAX + 1];

    for (size_t column = 0; column <= width; column++)
        row[column] = column;
    for (size_t i = 0; text[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t column = 1; column <= width; column++) {
            size_t above = row[column];
            size_t replaced = diagonal + (text[i] == candidate[column - 1] ? 0 : 1);

            row[column] = smallest(above + 1, row[column - 1] + 1, replaced);
            diagonal = above;
        }
    }
    return row[width];
}

/* A short name has to match better: two edits turn any three letters into any other. */
static bool is_closer(const char *text, const char *candidate, size_t *best)
{
    size_t distance = edit_distance(text, candidate);

    if (distance > SUGGESTION_DISTANCE_MAX || distance * 2 > strlen(candidate) || distance >= *best)
        return false;
    *best = distance;
    return true;
}

static bool starts_section(size_t index)
{
    return index == 0 || strcmp(config_keys[index - 1].section, config_keys[index].section) != 0;
}

static const char *shown_section(const struct config_key *key)
{
    return strcmp(key->section, CONFIG_ACCOUNT) == 0 ? CONFIG_ACCOUNT_PREFIX "UID" : key->section;
}

/* "acount 123" is close to an account's section whatever the UID. */
static const char *close_section(const char *section)
{
    const char *blank = strchr(section, ' ');
    const char *close = NULL;
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < config_key_count; i++) {
        if (starts_section(i) && is_closer(section, config_keys[i].section, &best))
            close = shown_section(&config_keys[i]);
    }
    if (close == NULL && blank != NULL) {
        char word[INI_NAME_MAX + 1];

        snprintf(word, sizeof(word), "%.*s", (int)(blank - section), section);
        if (is_closer(word, CONFIG_ACCOUNT, &best))
            close = CONFIG_ACCOUNT_PREFIX "UID";
    }
    return close;
}

void config_section_unknown(const char *section, struct error *error)
{
    const char *close = close_section(section);
    struct strbuf list;

    if (close != NULL) {
        error_set(error, ERROR_CONFIG, "unknown section [" SHOWN_NAME "], did you mean [%s]?", section,
                  close);
        return;
    }
    strbuf_init(&list, 0);
    for (size_t i = 0; i < config_key_count; i++) {
        if (starts_section(i))
            strbuf_append_format(&list, "%s[%s]", i == 0 ? "" : ", ", shown_section(&config_keys[i]));
    }
    error_set(error, ERROR_CONFIG, "unknown section [" SHOWN_NAME "], expected one of %s", section,
              strbuf_text(&list));
    strbuf_release(&list);
}

static const struct config_key *close_key(const char *section, const char *key)
{
    const struct config_key *close = NULL;
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0 && is_closer(key, config_keys[i].key, &best))
            close = &config_keys[i];
    }
    return close;
}

/* The right key in the wrong section. */
static const struct config_key *key_elsewhere(const char *key)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].key, key) == 0 || config_key_find_file(config_keys[i].section, key) != NULL)
            return &config_keys[i];
    }
    return NULL;
}

/*
 * A line break inside a secret makes its second half look like a key, and a key is shown. Only
 * what is written like our keys is; base64 hardly ever is.
 */
static bool looks_like_key(const char *key)
{
    size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return key[length] == '\0' && length <= KEY_SHOWN_MAX;
}

void config_key_unknown(const char *section, const char *key, struct error *error)
{
    const struct config_key *close = close_key(section, key);
    const struct config_key *elsewhere = key_elsewhere(key);
    struct strbuf list;

    if (close != NULL) {
        error_set(error, ERROR_CONFIG, "unknown key '" SHOWN_NAME "' in [%s], did you mean '%s'?", key,
                  section, close->key);
        return;
    }
    if (elsewhere != NULL) {
        error_set(error, ERROR_CONFIG, "unknown key '" SHOWN_NAME "' in [%s], it belongs to [%s]", key,
                  section, shown_section(elsewhere));
        return;
    }
    strbuf_init(&list, 0);
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0)
            strbuf_append_format(&list, "%s%s", list.length == 0 ? "" : ", ", config_keys[i].key);
    }
    if (looks_like_key(key))
        error_set(error, ERROR_CONFIG, "unknown key '%s' in [%s], expected one of %s", key, section,
                  strbuf_text(&list));
    else
        error_set(error, ERROR_CONFIG, "unknown key in [%s], expected one of %s; is it the rest of a value?",
                  section, strbuf_text(&list));
    strbuf_release(&list);
}

static void format_scalar(enum config_type type, int64_t value, char *buffer, size_t size)
{
    if (type == CONFIG_DURATION)
        text_format_duration(value, buffer, size);
    else if (type == CONFIG_SIZE)
        text_format_size(value, buffer, size);
    else
        snprintf(buffer, size, "%" PRId64, value);
}

static void join_names(const char *const *names, char *buffer, size_t size)
{
    size_t length = (size_t)snprintf(buffer, size, "one of ");

    for (size_t i = 0; names[i] != NULL && length < size; i++)
        length += (size_t)snprintf(buffer + length, size - length, "%s%s", i == 0 ? "" : ", ", names[i]);
}

const char *config_key_expected(const struct config_key *key, char *buffer, size_t size)
{
    static const char *const nouns[] = {
        [CONFIG_INT] = "a whole number", [CONFIG_DURATION] = "a duration", [CONFIG_SIZE] = "a size",
        [CONFIG_BOOL] = "yes or no",     [CONFIG_STRING] = "a text",       [CONFIG_PATH] = "a path",
    };
    char minimum[32];
    char maximum[32];

    switch (key->type) {
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        format_scalar(key->type, key->minimum, minimum, sizeof(minimum));
        format_scalar(key->type, key->maximum, maximum, sizeof(maximum));
        snprintf(buffer, size, "%s from %s to %s", nouns[key->type], minimum, maximum);
        break;
    case CONFIG_ENUM:
        join_names(key->names, buffer, size);
        break;
    case CONFIG_BOOL:
    case CONFIG_STRING:
    case CONFIG_PATH:
        snprintf(buffer, size, "%s%s", nouns[key->type], key->minimum > 0 ? ", not empty" : "");
        break;
    }
    return buffer;
}

static void *value_at(const struct config_key *key, void *object)
{
    return (char *)object + key->offset;
}

static const void *const_value_at(const struct config_key *key, const void *object)
{
    return (const char *)object + key->offset;
}

/* How the type is stored, see enum config_type. memcpy because the offset says nothing of types. */
static size_t value_size(enum config_type type)
{
    switch (type) {
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return sizeof(int64_t);
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_ENUM:
        return sizeof(enum log_level);
    case CONFIG_STRING:
    case CONFIG_PATH:
        break;
    }
    return sizeof(const char *);
}

static const char *string_of(const struct config_key *key, const void *object)
{
    const char *text;

    memcpy(&text, const_value_at(key, object), sizeof(text));
    return text;
}

static enum config_parsed parse_number(const struct config_key *key, const char *text, void *value)
{
    int64_t number;
    bool ok;

    if (key->type == CONFIG_DURATION)
        ok = text_parse_duration(text, &number);
    else if (key->type == CONFIG_SIZE)
        ok = text_parse_size(text, &number);
    else
        ok = text_parse_int(text, INT64_MIN, INT64_MAX, &number);
    if (!ok || number < key->minimum || number > key->maximum)
        return CONFIG_NOT_PARSED;
    memcpy(value, &number, sizeof(number));
    return CONFIG_PARSED;
}

static enum config_parsed parse_enum(const struct config_key *key, const char *text, void *value)
{
    for (unsigned i = 0; key->names[i] != NULL; i++) {
        if (strcmp(key->names[i], text) == 0) {
            memcpy(value, &i, sizeof(i));
            return CONFIG_PARSED;
        }
    }
    return CONFIG_NOT_PARSED;
}

static enum config_parsed parse_string(const struct config_key *key, const char *text, const char *folder,
                                       struct arena *arena, void *value)
{
    size_t length = strlen(text);
    bool relative = key->type == CONFIG_PATH && folder != NULL && text[0] != '/' && length > 0;
    size_t folder_length = relative ? strlen(folder) : 0;
    char *copy;

    if ((int64_t)length < key->minimum || (int64_t)length > key->maximum)
        return CONFIG_NOT_PARSED;
    if (relative)
        copy = arena_alloc(arena, folder_length + 1 + length + 1);
    else
        copy = arena_copy(arena, text, length);
    if (copy == NULL)
        return CONFIG_NO_MEMORY;
    if (relative) {
        memcpy(copy, folder, folder_length);
        copy[folder_length] = '/';
        memcpy(copy + folder_length + 1, text, length);
        copy[folder_length + 1 + length] = '\0';
    }
    memcpy(value, &copy, sizeof(copy));
    return CONFIG_PARSED;
}

enum config_parsed config_key_parse(const struct config_key *key, const char *text, const char *folder,
                                    struct arena *arena, void *object)
{
    void *value = value_at(key, object);
    bool flag;

    switch (key->type) {
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return parse_number(key, text, value);
    case CONFIG_BOOL:
        if (!text_parse_bool(text, &flag))
            return CONFIG_NOT_PARSED;
        memcpy(value, &flag, sizeof(flag));
        return CONFIG_PARSED;
    case CONFIG_ENUM:
        return parse_enum(key, text, value);
    case CONFIG_STRING:
    case CONFIG_PATH:
        break;
    }
    return parse_string(key, text, folder, arena, value);
}

bool config_key_keep_path(const struct config_key *key, const char *path, struct arena *arena, void *object)
{
    const char *copy;

    if (key->path_offset == 0)
        return true;
    copy = arena_strdup(arena, path);
    memcpy((char *)object + key->path_offset, &copy, sizeof(copy));
    return copy != NULL;
}

bool config_set_defaults(bool of_account, const char *folder, struct arena *arena, void *object)
{
    for (size_t i = 0; i < config_key_count; i++) {
        struct config_key key = config_keys[i];
        bool is_string = key.type == CONFIG_STRING || key.type == CONFIG_PATH;

        if ((strcmp(key.section, CONFIG_ACCOUNT) == 0) != of_account ||
            (!is_string && key.fallback[0] == '\0'))
            continue;
        if (is_string)
            key.minimum = 0; /* "" means not given, also where it may not be given */
        if (config_key_parse(&key, key.fallback, folder, arena, object) != CONFIG_PARSED ||
            !config_key_keep_path(&key, "", arena, object))
            return false;
    }
    return true;
}

void config_key_format(const struct config_key *key, const void *object, struct strbuf *out)
{
    const void *value = const_value_at(key, object);
    char text[32];
    int64_t number;
    unsigned index;
    bool flag;

    switch (key->type) {
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        memcpy(&number, value, sizeof(number));
        format_scalar(key->type, number, text, sizeof(text));
        strbuf_append_text(out, text);
        break;
    case CONFIG_BOOL:
        memcpy(&flag, value, sizeof(flag));
        strbuf_append_text(out, flag ? "yes" : "no");
        break;
    case CONFIG_ENUM:
        memcpy(&index, value, sizeof(index));
        strbuf_append_text(out, key->names[index]);
        break;
    case CONFIG_STRING:
    case CONFIG_PATH:
        if ((key->flags & CONFIG_SECRET) != 0)
            strbuf_append_text(out, string_of(key, object)[0] == '\0' ? "" : "***");
        else
            strbuf_append_text(out, string_of(key, object));
        break;
    }
}

bool config_key_equal(const struct config_key *key, const void *left, const void *right)
{
    if (key->type == CONFIG_STRING || key->type == CONFIG_PATH)
        return strcmp(string_of(key, left), string_of(key, right)) == 0;
    return memcmp(const_value_at(key, left), const_value_at(key, right), value_size(key->type)) == 0;
}

void config_key_wipe(const struct config_key *key, void *object)
{
    char *text;

    memcpy(&text, value_at(key, object), sizeof(text));
    if (text != NULL)
        explicit_bzero(text, strlen(text));
}

static void describe_key(const struct config_key *key, struct strbuf *out)
{
    char expected[CONFIG_TEXT_SIZE];

    strbuf_append_format(out, "| `[%s]` | `%s`", shown_section(key), key->key);
    if ((key->flags & CONFIG_FROM_FILE) != 0)
        strbuf_append_format(out, " or `%s_file`", key->key);
    strbuf_append_format(out, " | %s", config_key_expected(key, expected, sizeof(expected)));
    if ((key->flags & CONFIG_SECRET) != 0)
        strbuf_append_text(out, "; secret");
    if (key->fallback[0] != '\0')
        strbuf_append_format(out, " | `%s`", key->fallback);
    else
        strbuf_append_text(out, " | -");
    strbuf_append_format(out, " | %s | %s |\n", (key->flags & CONFIG_RESTART) != 0 ? "restart" : "reload",
                         key->meaning);
}

void config_describe(struct strbuf *out)
{
    strbuf_append_text(out, "| section | key | value | default | takes effect by | meaning |\n"
                            "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < config_key_count; i++)
        describe_key(&config_keys[i], out);
}
