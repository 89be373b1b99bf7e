#include "http/access.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/thread.h"
#include "http/auth_failures.h"
#include "http/password.h"

#define TOKEN_LENGTH_MIN 16
#define TOKEN_LENGTH_MAX 200
#define CREDENTIALS_SIZE 256 /* "user:password" */
#define DIGEST_SIZE      32
#define REMEMBERED       64
#define WAITERS_MAX      4
#define WAIT_MAX         NS_PER_SECOND
#define LOOK_EVERY       NS_PER_SECOND

struct access_rules {
    char *token;                 /* "": none */
    char *path;                  /* of users; "": none */
    struct file_stamp loaded;    /* taken before the file was read */
    struct password_file *users; /* NULL: everybody may read */
};

struct access {
    unsigned char key[DIGEST_SIZE];   /* of the hashes below */
    struct password_scratch *scratch; /* of the thread that is hashing */
    pthread_cond_t hashed;            /* one bcrypt ended */
    pthread_mutex_t mutex;            /* guards all below */
    struct access_rules *rules;
    uint64_t generation;    /* of the rules: how often they were replaced */
    struct file_stamp seen; /* what was loaded, or refused, last */
    int64_t next_look;
    bool looking;
    bool hashing;
    bool closed;                                       /* nobody waits for the end of a bcrypt */
    int waiting;                                       /* for the end of a bcrypt */
    unsigned char remembered[REMEMBERED][DIGEST_SIZE]; /* right credentials of the users in force */
    size_t remembered_count;                           /* of all time: the next one replaces the oldest */
    bool token_used;                                   /* the token in force came once */
    struct auth_failures failures;
};

void access_rules_free(struct access_rules *rules)
{
    if (rules == NULL)
        return;
    if (rules->token != NULL)
        explicit_bzero(rules->token, strlen(rules->token));
    free(rules->token);
    free(rules->path);
    password_file_put(rules->users);
    free(rules);
}

static bool token_valid(const char *token, struct error *error)
{
    size_t length = strlen(token);

    for (size_t i = 0; i < length; i++) {
        if (token[i] <= ' ' || token[i] > '~') {
            error_set(error, ERROR_CONFIG,
                      "[web] admin_token holds a blank or a character that no header can carry, expected "
                      "printable ASCII");
            return false;
        }
    }
    if (length == 0 || (length >= TOKEN_LENGTH_MIN && length <= TOKEN_LENGTH_MAX))
        return true;
    error_set(error, ERROR_CONFIG,
              "[web] admin_token has %zu characters, expected %d to %d; 'openssl rand -hex 32' makes one",
              length, TOKEN_LENGTH_MIN, TOKEN_LENGTH_MAX);
    return false;
}

static struct password_file *load_users(const char *path, struct error *error)
{
    struct error reason;
    struct password_file *users;

    error_clear(&reason);
    users = password_file_load(path, &reason);
    if (users == NULL)
        error_set(error, reason.class, "[web] basic_auth_file: %s", reason.message);
    return users;
}

struct access_rules *access_rules_load(const struct web_config *web, struct error *error)
{
    struct access_rules *rules = NULL;

    if (!token_valid(web->admin_token, error))
        return NULL;
    rules = calloc(1, sizeof(*rules));
    if (rules != NULL) {
        rules->token = strdup(web->admin_token);
        rules->path = strdup(web->basic_auth_file);
    }
    if (rules == NULL || rules->token == NULL || rules->path == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading [web]");
        goto failed;
    }
    rules->loaded = file_stamp_of(rules->path);
    if (rules->path[0] == '\0')
        return rules;
    rules->users = load_users(rules->path, error);
    if (rules->users != NULL)
        return rules;
failed:
    access_rules_free(rules);
    return NULL;
}

struct access *access_new(struct access_rules *rules, struct error *error)
{
    struct access *access = calloc(1, sizeof(*access));

    if (access != NULL)
        access->scratch = password_scratch_new();
    if (access == NULL || access->scratch == NULL || !cond_init(&access->hashed)) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while preparing [web]");
        goto failed;
    }
    pthread_mutex_init(&access->mutex, NULL);
    access->rules = rules;
    access->seen = rules->loaded;
    if (getrandom(access->key, sizeof(access->key), 0) == (ssize_t)sizeof(access->key))
        return access;
    error_set(error, ERROR_SYSTEM, "the system gives no random numbers");
    access_free(access);
    return NULL;
failed:
    access_rules_free(rules);
    if (access != NULL)
        password_scratch_free(access->scratch);
    free(access);
    return NULL;
}

void access_free(struct access *access)
{
    if (access == NULL)
        return;
    access_rules_free(access->rules);
    password_scratch_free(access->scratch);
    pthread_cond_destroy(&access->hashed);
    pthread_mutex_destroy(&access->mutex);
    explicit_bzero(access, sizeof(*access));
    free(access);
}

void access_close(struct access *access)
{
    mutex_lock(&access->mutex);
    access->closed = true;
    mutex_unlock(&access->mutex);
    pthread_cond_broadcast(&access->hashed);
}

void access_replace(struct access *access, struct access_rules *rules)
{
    struct access_rules *old;

    mutex_lock(&access->mutex);
    old = access->rules;
    access->rules = rules;
    access->generation++;
    access->seen = rules->loaded;
    access->remembered_count = 0;
    access->token_used = false;
    mutex_unlock(&access->mutex);
    access_rules_free(old);
}

/* Under the mutex. */
static bool is_remembered(const struct access *access, const unsigned char digest[DIGEST_SIZE])
{
    size_t count = access->remembered_count < REMEMBERED ? access->remembered_count : REMEMBERED;

    for (size_t i = 0; i < count; i++) {
        if (CRYPTO_memcmp(access->remembered[i], digest, DIGEST_SIZE) == 0)
            return true;
    }
    return false;
}

/* Under the mutex: waits for the turn to hash. False when others wait already, or for too long. */
static bool take_turn(struct access *access, int64_t now)
{
    int64_t deadline = clock_add(now, WAIT_MAX);

    if (access->hashing && access->waiting >= WAITERS_MAX)
        return false;
    access->waiting++;
    while (access->hashing && !access->closed && cond_wait_until(&access->hashed, &access->mutex, deadline))
        continue;
    access->waiting--;
    if (access->hashing || access->closed)
        return false;
    access->hashing = true;
    return true;
}

/* Under the mutex, which is open while it hashes. */
static bool hash_and_compare(struct access *access, const char *user, const char *password,
                             const unsigned char digest[DIGEST_SIZE])
{
    struct password_file *users = password_file_get(access->rules->users);
    bool right;

    mutex_unlock(&access->mutex);
    right = password_check(users, user, password, access->scratch);
    mutex_lock(&access->mutex);
    access->hashing = false;
    pthread_cond_signal(&access->hashed);
    if (right && access->rules->users == users)
        memcpy(access->remembered[access->remembered_count++ % REMEMBERED], digest, DIGEST_SIZE);
    password_file_put(users);
    return right;
}

static enum access_answer check_password(struct access *access, const char *user, const char *password,
                                         const unsigned char digest[DIGEST_SIZE], uint64_t client,
                                         int64_t now)
{
    enum access_answer answer = ACCESS_TOO_MANY;

    mutex_lock(&access->mutex);
    if (access->rules->users == NULL || is_remembered(access, digest)) {
        answer = ACCESS_READ;
    } else if (auth_failures_barred(&access->failures, client, now)) {
        auth_failures_add(&access->failures, AUTH_PASSWORD, client, now);
    } else if (take_turn(access, now)) {
        /* The turn may have come after the same credentials of another request. */
        if (access->rules->users == NULL || is_remembered(access, digest)) {
            access->hashing = false;
            pthread_cond_signal(&access->hashed);
            answer = ACCESS_READ;
        } else if (hash_and_compare(access, user, password, digest)) {
            answer = ACCESS_READ;
        } else {
            auth_failures_add(&access->failures, AUTH_PASSWORD, client, now);
            answer = ACCESS_NEEDS_PASSWORD;
        }
    }
    mutex_unlock(&access->mutex);
    return answer;
}

/* What follows the scheme in the header; NULL when it is of another scheme. */
static const char *after_scheme(const char *authorization, const char *scheme)
{
    size_t length = strlen(scheme);

    if (authorization == NULL || strncasecmp(authorization, scheme, length) != 0 ||
        authorization[length] != ' ')
        return NULL;
    return authorization + length + strspn(authorization + length, " ");
}

/* Decodes "user:password". False when it is malformed. */
static bool decode_credentials(const char *base64, char credentials[CREDENTIALS_SIZE])
{
    size_t length = strlen(base64);
    size_t padding = 0;
    int decoded;

    while (padding < 2 && padding < length && base64[length - 1 - padding] == '=')
        padding++;
    if (length == 0 || length % 4 != 0 || length / 4 * 3 >= CREDENTIALS_SIZE)
        return false;
    decoded = EVP_DecodeBlock((unsigned char *)credentials, (const unsigned char *)base64, (int)length);
    if (decoded < 0)
        return false;
    credentials[(size_t)decoded - padding] = '\0';
    return strlen(credentials) == (size_t)decoded - padding && strchr(credentials, ':') != NULL;
}

static enum access_answer check_basic(struct access *access, const char *base64, uint64_t client, int64_t now)
{
    enum access_answer answer = ACCESS_NEEDS_PASSWORD;
    unsigned char digest[EVP_MAX_MD_SIZE];
    char credentials[CREDENTIALS_SIZE];
    char *password;

    if (!decode_credentials(base64, credentials)) {
        mutex_lock(&access->mutex);
        auth_failures_add(&access->failures, AUTH_PASSWORD, client, now);
        mutex_unlock(&access->mutex);
        goto out;
    }
    if (HMAC(EVP_sha256(), access->key, (int)sizeof(access->key), (const unsigned char *)credentials,
             strlen(credentials), digest, NULL) == NULL) {
        answer = ACCESS_TOO_MANY; /* memory ran out */
        goto out;
    }
    password = strchr(credentials, ':');
    *password++ = '\0';
    answer = check_password(access, credentials, password, digest, client, now);
out:
    explicit_bzero(credentials, sizeof(credentials));
    return answer;
}

/* Both are hashed, so that the time tells neither length nor the first difference. */
static bool token_equal(const struct access *access, const char *given, const char *expected)
{
    unsigned char digests[2][EVP_MAX_MD_SIZE];
    const char *const texts[] = {given, expected};

    for (size_t i = 0; i < 2; i++) {
        if (HMAC(EVP_sha256(), access->key, (int)sizeof(access->key), (const unsigned char *)texts[i],
                 strlen(texts[i]), digests[i], NULL) == NULL)
            return false;
    }
    return CRYPTO_memcmp(digests[0], digests[1], DIGEST_SIZE) == 0;
}

/* Under the mutex, which is open while it reads. */
static void read_users_again(struct access *access, int64_t now)
{
    struct file_stamp seen = access->seen;
    uint64_t generation = access->generation;
    struct password_file *users = NULL;
    char *path = strdup(access->rules->path);
    struct file_stamp stamp;
    struct error error;
    bool changed;

    access->looking = true;
    mutex_unlock(&access->mutex);
    stamp = file_stamp_of(path != NULL ? path : "");
    changed = path != NULL && !file_stamp_equal(&stamp, &seen);
    if (changed) {
        users = load_users(path, &error);
        if (users != NULL)
            log_info("basic_auth_file read again", log_text("file", path));
        else
            log_failure(LOG_LEVEL_ERROR, "basic_auth_file changed but cannot be used, the old users stay",
                        &error);
    }
    free(path);
    mutex_lock(&access->mutex);
    if (changed && access->generation == generation) {
        access->seen = stamp;
        if (users != NULL) {
            struct password_file *old = access->rules->users;

            access->rules->users = users;
            users = old;
            access->remembered_count = 0;
        }
    }
    access->looking = false;
    access->next_look = clock_add(now, LOOK_EVERY);
    password_file_put(users);
}

/*
 * Under the mutex. Once the right token has come, it gets in beside guesses of the same client, as a remembered
 * password does.
 */
static enum access_answer check_token(struct access *access, const char *token, uint64_t client, int64_t now)
{
    bool barred;

    if (token == NULL || token[0] == '\0' || access->rules->token[0] == '\0')
        return ACCESS_NEEDS_TOKEN;
    barred = auth_failures_barred(&access->failures, client, now);
    if ((!barred || access->token_used) && token_equal(access, token, access->rules->token)) {
        access->token_used = true;
        return ACCESS_ADMIN;
    }
    auth_failures_add(&access->failures, AUTH_TOKEN, client, now);
    return barred ? ACCESS_TOO_MANY : ACCESS_NEEDS_TOKEN;
}

enum access_answer access_check_token(struct access *access, const char *token, uint64_t client, int64_t now)
{
    enum access_answer answer;

    mutex_lock(&access->mutex);
    answer = check_token(access, token, client, now);
    mutex_unlock(&access->mutex);
    return answer;
}

enum access_answer access_check(struct access *access, const char *authorization, bool change,
                                uint64_t client, int64_t now)
{
    const char *bearer = after_scheme(authorization, "Bearer");
    const char *basic = after_scheme(authorization, "Basic");
    enum access_answer answer = ACCESS_NEEDS_TOKEN;
    bool has_token;
    bool has_users;

    mutex_lock(&access->mutex);
    if (!access->looking && access->rules->users != NULL && now >= access->next_look)
        read_users_again(access, now);
    has_token = access->rules->token[0] != '\0';
    has_users = access->rules->users != NULL;
    if (change || has_users) /* otherwise it decides nothing */
        answer = check_token(access, bearer, client, now);
    mutex_unlock(&access->mutex);
    if (answer != ACCESS_NEEDS_TOKEN || (change && has_token))
        return answer;
    if (!has_users)
        return ACCESS_READ;
    return basic != NULL ? check_basic(access, basic, client, now) : ACCESS_NEEDS_PASSWORD;
}

void access_failures(struct access *access, uint64_t counts[AUTH_KIND_COUNT])
{
    mutex_lock(&access->mutex);
    memcpy(counts, access->failures.counts, sizeof(access->failures.counts));
    mutex_unlock(&access->mutex);
}
