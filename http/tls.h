/*
 * The certificate of the TLS listeners. It may change while they serve: each handshake uses the
 * one in force then, and connections that exist keep theirs.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "config/config.h"
#include "core/error.h"

/* Certificate, key and the authorities of client certificates, read from files. Immutable. */
struct tls_identity;

/*
 * Reads the files that [web] names. Blocks. Any thread. NULL with
 * *error, which names the key of the configuration and the file: unreadable, no PEM, a private key
 * that everybody may read, or that belongs to another certificate.
 */
struct tls_identity *tls_identity_load(const struct web_config *web, struct error *error);
void tls_identity_put(struct tls_identity *identity); /* NULL is allowed */

struct tls;

/* Takes the identity over, also on failure: NULL with *error. */
struct tls *tls_new(struct tls_identity *identity, struct error *error);

/* Puts another identity in force and takes it over. Any thread. */
void tls_replace(struct tls *tls, struct tls_identity *identity);

/*
 * The SSL_CTX for connections to begin with, TLS 1.2 or newer. At each handshake it finds the
 * identity in force. The files are looked at then, at most once a second: new ones are put in
 * force, bad ones are logged once and the old identity stays.
 */
void *tls_context(const struct tls *tls);

/* After the last connection. */
void tls_free(struct tls *tls); /* NULL is allowed */

#endif
