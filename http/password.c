#include "http/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/refcount.h"
#include "core/text.h"

#define FILE_SIZE_MAX ((size_t)1024 * 1024)
#define HASH_LENGTH   60
#define SETTING_SIZE  30 /* "$2b$10$", 22 characters of salt, NUL */
#define COST_MIN      4
#define COST_MAX      14 /* seconds: more would keep every other login waiting */
#define SALT_ALPHABET "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define EXPECTED      "expected user:bcrypt as --hash-password=USER prints it"

struct user {
    const char *name;
    const char *hash;
};

struct password_file {
    struct refcount refs;
    struct strbuf content; /* what the users point into */
    struct user *users;
    size_t count;
    char dummy[SETTING_SIZE]; /* hashes a password of nobody, at the highest cost */
};

struct password_scratch {
    struct crypt_data crypt;
};

struct password_scratch *password_scratch_new(void)
{
    return calloc(1, sizeof(struct password_scratch));
}

void password_scratch_free(struct password_scratch *scratch)
{
    if (scratch == NULL)
        return;
    explicit_bzero(scratch, sizeof(*scratch));
    free(scratch);
}

/* The cost of a bcrypt hash; 0 when it is none. */
static int hash_cost(const char *hash)
{
    int cost;

    if (strlen(hash) != HASH_LENGTH || strncmp(hash, "$2", 2) != 0 || strchr("aby", hash[2]) == NULL ||
        hash[3] != '$' || hash[6] != '$' || strspn(hash + 7, SALT_ALPHABET) != HASH_LENGTH - 7)
        return 0;
    if (hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9')
        return 0;
    cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    return cost >= COST_MIN && cost <= COST_MAX ? cost : 0;
}

static const char *user_fault(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > USER_SIZE_MAX)
        return "the name is empty or too long";
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || name[i] == ':')
            return "the name has a colon or a control character";
    }
    return NULL;
}

static const struct user *find_user(const struct password_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->users[i].name, name) == 0)
            return &file->users[i];
    }
    return NULL;
}

/* What is wrong with a line, or NULL. It is cut into its parts; room for one more user is there. */
static const char *take_line(struct password_file *file, char *line, int *highest_cost)
{
    char *colon;
    int cost;

    line[strcspn(line, "\r")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return NULL;
    colon = strchr(line, ':');
    if (colon == NULL)
        return "there is no colon";
    *colon = '\0';
    if (user_fault(line) != NULL)
        return user_fault(line);
    if (find_user(file, line) != NULL)
        return "the user is there already";
    cost = hash_cost(colon + 1);
    if (cost == 0)
        return "after the colon is no bcrypt hash of cost 4 to 14";
    if (cost > *highest_cost)
        *highest_cost = cost;
    file->users[file->count++] = (struct user){.name = line, .hash = colon + 1};
    return NULL;
}

static bool take_lines(struct password_file *file, const char *path, struct error *error)
{
    char *rest = file->content.data;
    const char *fault = NULL;
    int highest_cost = 0;
    int number = 0;
    char *line;

    while (fault == NULL && rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
        number++;
        fault = take_line(file, line, &highest_cost);
    }
    if (fault != NULL) {
        error_set(error, ERROR_CONFIG, "%s:%d: %s, " EXPECTED, path, number, fault);
        return false;
    }
    if (file->count == 0) {
        error_set(error, ERROR_CONFIG, "%s names no user, " EXPECTED, path);
        return false;
    }
    snprintf(file->dummy, sizeof(file->dummy), "$2b$%02d$%s", highest_cost, "abcdefghijklmnopqrstuu");
    return true;
}

static size_t count_lines(const struct strbuf *content)
{
    size_t lines = 1;

    for (size_t i = 0; i < content->length; i++)
        lines += content->data[i] == '\n';
    return lines;
}

struct password_file *password_file_load(const char *path, struct error *error)
{
    struct password_file *file = calloc(1, sizeof(*file));
    struct error reason;

    error_clear(&reason);
    if (file == NULL)
        goto no_memory;
    refcount_init(&file->refs);
    strbuf_init(&file->content, FILE_SIZE_MAX);
    if (!file_read_secret(path, &file->content, &reason)) {
        error_set(error, ERROR_CONFIG, "%s", reason.message);
        goto failed;
    }
    if (memchr(strbuf_text(&file->content), '\0', file->content.length) != NULL) {
        error_set(error, ERROR_CONFIG, "%s holds a NUL byte, " EXPECTED, path);
        goto failed;
    }
    file->users = calloc(count_lines(&file->content), sizeof(*file->users));
    if (file->users == NULL)
        goto no_memory;
    if (take_lines(file, path, error))
        return file;
failed:
    password_file_put(file);
    return NULL;
no_memory:
    error_set(error, ERROR_NO_MEMORY, "out of memory while reading %s", path);
    goto failed;
}

struct password_file *password_file_get(struct password_file *file)
{
    refcount_get(&file->refs);
    return file;
}

void password_file_put(struct password_file *file)
{
    if (file == NULL || !refcount_put(&file->refs))
        return;
    strbuf_release_secret(&file->content);
    free(file->users);
    free(file);
}

bool password_check(const struct password_file *file, const char *user, const char *password,
                    struct password_scratch *scratch)
{
    const struct user *found = find_user(file, user);
    const char *setting = found != NULL ? found->hash : file->dummy;
    const char *hash;

    if (strlen(password) > PASSWORD_SIZE_MAX)
        return false;
    hash = crypt_r(password, setting, &scratch->crypt);
    return found != NULL && hash != NULL && strlen(hash) == HASH_LENGTH &&
           CRYPTO_memcmp(hash, found->hash, HASH_LENGTH) == 0;
}

bool password_line(const char *user, const char *password, const unsigned char random[16],
                   struct strbuf *line, struct error *error)
{
    const char *fault = user_fault(user);
    struct password_scratch *scratch;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const char *hash = NULL;

    if (fault == NULL && password[0] == '\0')
        fault = "the password is empty";
    if (fault == NULL && strlen(password) > PASSWORD_SIZE_MAX)
        fault = "the password is longer than 72 bytes, which is all that bcrypt looks at";
    if (fault != NULL) {
        error_set(error, ERROR_CONFIG, "%s", fault);
        return false;
    }
    scratch = password_scratch_new();
    if (scratch != NULL && crypt_gensalt_rn("$2b$", PASSWORD_COST, (const char *)random, 16, setting,
                                            (int)sizeof(setting)) != NULL)
        hash = crypt_r(password, setting, &scratch->crypt);
    if (hash != NULL && hash_cost(hash) == PASSWORD_COST)
        strbuf_append_format(line, "%s:%s", user, hash);
    else
        error_set(error, ERROR_SYSTEM, "the C library cannot make bcrypt hashes");
    password_scratch_free(scratch);
    return line->length > 0;
}
