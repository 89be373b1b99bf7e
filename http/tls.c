/*
 * DESIGN. An SSL_CTX must not be changed while connections are made from it. So CivetWeb gets one
 * that never changes and holds no certificate; a callback at each ClientHello points the
 * connection to the SSL_CTX of the identity in force. There is no session resumption, since it
 * would carry the trust in a client certificate past a change of the authorities.
 */
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/refcount.h"
#include "core/strbuf.h"
#include "core/thread.h"

#define PEM_SIZE_MAX  ((size_t)1024 * 1024)
#define LOOK_EVERY    NS_PER_SECOND
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

enum { CERTIFICATE, KEY, CLIENT_CA, FILE_COUNT };

struct stamps {
    struct file_stamp of[FILE_COUNT];
};

struct tls_identity {
    struct refcount refs;
    char *paths[FILE_COUNT]; /* "" is none */
    struct stamps loaded;    /* taken before the files were read */
    SSL_CTX *context;
};

struct tls {
    SSL_CTX *shell;
    pthread_mutex_t mutex; /* guards all below */
    struct tls_identity *identity;
    struct stamps seen; /* what was loaded, or refused, last */
    int64_t next_look;
    bool looking; /* one thread at a time reads files, without the mutex */
};

static const char *const key_names[FILE_COUNT] = {"tls_cert_file", "tls_key_file", "tls_client_ca_file"};

static bool refuse(struct error *error, int file, const char *path, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    error_set(error, ERROR_CONFIG, "[web] %s: %s %s%s%s%s", key_names[file], path, what,
              reason != NULL ? " (" : "", reason != NULL ? reason : "", reason != NULL ? ")" : "");
    ERR_clear_error();
    return false;
}

static struct stamps stamps_of(char *const paths[FILE_COUNT])
{
    struct stamps stamps;

    for (int i = 0; i < FILE_COUNT; i++)
        stamps.of[i] = file_stamp_of(paths[i]);
    return stamps;
}

static bool stamps_equal(const struct stamps *left, const struct stamps *right)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        if (!file_stamp_equal(&left->of[i], &right->of[i]))
            return false;
    }
    return true;
}

/* A file as an OpenSSL stream over *content, which outlives it. */
static BIO *read_pem(const struct tls_identity *identity, int file, bool secret, struct strbuf *content,
                     struct error *error)
{
    const char *path = identity->paths[file];
    struct error reason;
    BIO *bio;

    error_clear(&reason);
    if (!(secret ? file_read_secret(path, content, &reason) : file_read(path, content, &reason))) {
        error_set(error, ERROR_CONFIG, "[web] %s: %s", key_names[file], reason.message);
        return NULL;
    }
    bio = BIO_new_mem_buf(strbuf_text(content), (int)content->length);
    if (bio == NULL)
        error_set(error, ERROR_NO_MEMORY, "out of memory while reading %s", path);
    return bio;
}

/* The certificate itself, then those between it and the authority. */
static bool use_chain(SSL_CTX *context, BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    bool used = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;
    unsigned long end;

    X509_free(certificate);
    while (used && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        used = SSL_CTX_add0_chain_cert(context, certificate) == 1;
        if (!used)
            X509_free(certificate);
    }
    if (!used)
        return false;
    end = ERR_peek_last_error();
    if (ERR_GET_LIB(end) != ERR_LIB_PEM || ERR_GET_REASON(end) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

static bool use_certificate(struct tls_identity *identity, struct error *error)
{
    struct strbuf content;
    bool used = false;
    BIO *bio;

    strbuf_init(&content, PEM_SIZE_MAX);
    bio = read_pem(identity, CERTIFICATE, false, &content, error);
    if (bio != NULL) {
        used = use_chain(identity->context, bio) ||
               refuse(error, CERTIFICATE, identity->paths[CERTIFICATE],
                      "is no certificate that can be used, expected PEM with the certificate first");
        BIO_free(bio);
    }
    strbuf_release_secret(&content); /* the key may be in it */
    return used;
}

/* Nobody is there to type a pass phrase. */
static int no_pass_phrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static bool use_key(struct tls_identity *identity, struct error *error)
{
    int file = identity->paths[KEY][0] != '\0' ? KEY : CERTIFICATE;
    EVP_PKEY *key = NULL;
    struct strbuf content;
    bool used = false;
    BIO *bio;

    strbuf_init(&content, PEM_SIZE_MAX);
    bio = read_pem(identity, file, true, &content, error);
    if (bio == NULL)
        goto out;
    key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    if (key == NULL) {
        refuse(error, file, identity->paths[file],
               file == KEY ? "holds no private key that can be used, expected PEM without a pass phrase"
                           : "holds no private key, expected it there or in tls_key_file");
        goto out;
    }
    ERR_clear_error();
    used = SSL_CTX_use_PrivateKey(identity->context, key) == 1 ||
           refuse(error, file, identity->paths[file], "does not belong to the certificate in tls_cert_file");
out:
    EVP_PKEY_free(key);
    BIO_free(bio);
    strbuf_release_secret(&content);
    return used;
}

static bool use_client_authorities(struct tls_identity *identity, struct error *error)
{
    const char *path = identity->paths[CLIENT_CA];
    STACK_OF(X509_NAME) * names;

    if (path[0] == '\0')
        return true;
    names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(identity->context, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return refuse(error, CLIENT_CA, path, "holds no certificates that can be used, expected PEM");
    }
    SSL_CTX_set_client_CA_list(identity->context, names);
    SSL_CTX_set_verify(identity->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL)
        return NULL;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
    if (SSL_CTX_set_num_tickets(context, 0) == 1 &&
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, TLS12_CIPHERS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static void identity_free(struct tls_identity *identity)
{
    SSL_CTX_free(identity->context);
    for (int i = 0; i < FILE_COUNT; i++)
        free(identity->paths[i]);
    free(identity);
}

static struct tls_identity *identity_load(const char *const paths[FILE_COUNT], struct error *error)
{
    struct tls_identity *identity = calloc(1, sizeof(*identity));
    bool complete = identity != NULL;

    if (complete) {
        refcount_init(&identity->refs);
        identity->context = context_new();
        complete = identity->context != NULL;
        for (int i = 0; i < FILE_COUNT; i++) {
            identity->paths[i] = strdup(paths[i]);
            complete = complete && identity->paths[i] != NULL;
        }
    }
    if (!complete) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while preparing TLS");
    } else {
        identity->loaded = stamps_of(identity->paths);
        if (use_certificate(identity, error) && use_key(identity, error) &&
            use_client_authorities(identity, error))
            return identity;
    }
    tls_identity_put(identity);
    return NULL;
}

struct tls_identity *tls_identity_load(const struct web_config *web, struct error *error)
{
    const char *const paths[FILE_COUNT] = {web->tls_cert_file, web->tls_key_file, web->tls_client_ca_file};

    return identity_load(paths, error);
}

static struct tls_identity *identity_get(struct tls_identity *identity)
{
    refcount_get(&identity->refs);
    return identity;
}

void tls_identity_put(struct tls_identity *identity)
{
    if (identity != NULL && refcount_put(&identity->refs))
        identity_free(identity);
}

static void swap(struct tls *tls, struct tls_identity *old, struct tls_identity *fresh)
{
    mutex_lock(&tls->mutex);
    if (old == NULL || tls->identity == old) { /* not replaced meanwhile, by other paths for example */
        old = tls->identity;
        tls->identity = fresh;
        tls->seen = fresh->loaded;
        fresh = old;
    }
    mutex_unlock(&tls->mutex);
    tls_identity_put(fresh);
}

void tls_replace(struct tls *tls, struct tls_identity *identity)
{
    swap(tls, NULL, identity);
}

/* Reads files that are not as they were. */
static void look(struct tls *tls, struct tls_identity *identity, const struct stamps *seen)
{
    struct stamps stamps = stamps_of(identity->paths);
    struct tls_identity *fresh;
    struct error error;

    if (stamps_equal(&stamps, seen))
        return;
    fresh = identity_load((const char *const *)identity->paths, &error);
    if (fresh != NULL) {
        log_info("TLS certificate read again", log_text("file", identity->paths[CERTIFICATE]));
        swap(tls, identity, fresh);
        return;
    }
    log_failure(LOG_LEVEL_ERROR, "TLS files changed but cannot be used, the old ones stay in force", &error);
    mutex_lock(&tls->mutex);
    if (tls->identity == identity)
        tls->seen = stamps;
    mutex_unlock(&tls->mutex);
}

static struct tls_identity *identity_in_force(struct tls *tls)
{
    struct tls_identity *identity;
    int64_t now = clock_now();
    struct stamps seen;
    bool looks;

    mutex_lock(&tls->mutex);
    looks = !tls->looking && now >= tls->next_look;
    tls->looking = tls->looking || looks;
    seen = tls->seen;
    identity = identity_get(tls->identity);
    mutex_unlock(&tls->mutex);
    if (!looks)
        return identity;
    look(tls, identity, &seen);
    tls_identity_put(identity);
    mutex_lock(&tls->mutex);
    tls->looking = false;
    tls->next_look = clock_add(now, LOOK_EVERY);
    identity = identity_get(tls->identity);
    mutex_unlock(&tls->mutex);
    return identity;
}

static int on_client_hello(SSL *ssl, int *alert, void *argument)
{
    struct tls_identity *identity = identity_in_force(argument);
    bool pointed = SSL_set_SSL_CTX(ssl, identity->context) != NULL;

    /* Unlike certificate and authorities, this does not come with the SSL_CTX. */
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(identity->context), NULL);
    tls_identity_put(identity);
    *alert = SSL_AD_INTERNAL_ERROR;
    return pointed ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

struct tls *tls_new(struct tls_identity *identity, struct error *error)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (tls != NULL)
        tls->shell = context_new();
    if (tls == NULL || tls->shell == NULL) {
        error_set(error, ERROR_NO_MEMORY, "out of memory while preparing TLS");
        free(tls);
        tls_identity_put(identity);
        return NULL;
    }
    pthread_mutex_init(&tls->mutex, NULL);
    tls->identity = identity;
    tls->seen = identity->loaded;
    SSL_CTX_set_client_hello_cb(tls->shell, on_client_hello, tls);
    return tls;
}

void *tls_context(const struct tls *tls)
{
    return tls->shell;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    tls_identity_put(tls->identity);
    SSL_CTX_free(tls->shell);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}
