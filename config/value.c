#include "config/value.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"

#define SECRET_FILE_MAX (64u << 10)
#define VARIABLE_START  "${"
#define NAME_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

void config_value_init(struct config_value *value, const char *text)
{
    *value = (struct config_value){.text = text};
    strbuf_init(&value->content, SECRET_FILE_MAX);
}

void config_value_release(struct config_value *value)
{
    free(value->path);
    strbuf_release_secret(&value->content);
}

static bool no_memory(struct error *error)
{
    error_set(error, ERROR_NO_MEMORY, "out of memory while reading the configuration");
    return false;
}

/* The name in "${NAME}" goes to value->variable. False when the text is anything else. */
static bool take_variable(struct config_value *value)
{
    const char *name = value->text + strlen(VARIABLE_START);
    size_t length = strspn(name, NAME_CHARACTERS);

    if (length == 0 || length >= sizeof(value->variable) || strcmp(name + length, "}") != 0)
        return false;
    memcpy(value->variable, name, length);
    value->variable[length] = '\0';
    return true;
}

static bool resolve_variable(struct config_value *value, struct error *error)
{
    const char *key = value->key->key;

    if (strncmp(value->text, VARIABLE_START, strlen(VARIABLE_START)) != 0)
        return true;
    if (!take_variable(value)) {
        error_set(error, ERROR_CONFIG,
                  "the value of '%s' starts with ${ but is not ${NAME}, expected the name of one "
                  "environment variable (letters, digits, '_') and nothing around it",
                  key);
        return false;
    }
    value->text = getenv(value->variable);
    if (value->text != NULL && value->text[0] != '\0')
        return true;
    error_set(error, ERROR_CONFIG,
              "the environment variable %s for '%s' is %s, expected it to have a value when the "
              "exporter starts",
              value->variable, key, value->text == NULL ? "not set" : "empty");
    return false;
}

static char *join_path(const char *folder, const char *path)
{
    struct strbuf joined;
    size_t length;

    strbuf_init(&joined, 0);
    if (folder != NULL && path[0] != '/')
        strbuf_append_format(&joined, "%s/", folder);
    strbuf_append_text(&joined, path);
    return strbuf_detach(&joined, &length);
}

/* The value is a path so far; it becomes the content of that file. */
static bool resolve_file(struct config_value *value, const char *folder, struct error *error)
{
    bool ok;

    if (value->text[0] == '\0') {
        error_set(error, ERROR_CONFIG, "'%s_file' is empty, expected the path of a file", value->key->key);
        return false;
    }
    value->path = join_path(folder, value->text);
    if (value->path == NULL)
        return no_memory(error);
    ok = file_read_secret_line(value->path, &value->content, error);
    if (!ok && error->class != ERROR_NO_MEMORY)
        error_set(error, ERROR_CONFIG, "'%s_file': %s", value->key->key, error->message);
    value->text = strbuf_text(&value->content);
    return ok;
}

/* ini_read refuses these in the file itself, file_read_secret_line in the file of a value. */
static bool check_characters(const struct config_value *value, struct error *error)
{
    for (size_t i = 0; value->text[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)value->text[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            error_set(error, ERROR_CONFIG,
                      "the value of '%s' from the environment has a line break or another control character "
                      "(byte 0x%02x), expected one line of text",
                      value->key->key, byte);
            return false;
        }
    }
    return true;
}

bool config_value_resolve(struct config_value *value, const char *folder, struct error *error)
{
    return resolve_variable(value, error) && (!value->from_file || resolve_file(value, folder, error)) &&
           check_characters(value, error);
}
