#include "test/db/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define VALID_SECONDS 86400

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "certificates: %s failed\n", what);
    abort();
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
}

/* A certificate signed by `issuer`, or by itself when that is NULL. */
static struct identity make_identity(const char *name, const struct identity *issuer, int nid,
                                     const char *extension)
{
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *subject;

    require(made.key != NULL && made.certificate != NULL, "key");
    subject = X509_get_subject_name(made.certificate);
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0),
            "name");
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), issuer == NULL ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -VALID_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), VALID_SECONDS);
    X509_set_pubkey(made.certificate, made.key);
    X509_set_issuer_name(made.certificate,
                         issuer == NULL ? subject : X509_get_subject_name(issuer->certificate));
    add_extension(made.certificate, nid, extension);
    require(X509_sign(made.certificate, issuer == NULL ? made.key : issuer->key, EVP_sha256()) > 0,
            "signature");
    return made;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "we");
    require(file != NULL, path);
    return file;
}

static void write_certificate(const char *folder, const char *name, X509 *certificate)
{
    FILE *file = open_in(folder, name);

    require(PEM_write_X509(file, certificate), name);
    require(fclose(file) == 0, name);
}

static void write_key(const char *folder, const char *name, EVP_PKEY *key)
{
    FILE *file = open_in(folder, name);

    require(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), name);
    require(fclose(file) == 0, name);
}

static void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

void certificates_write(const char *folder, const char *address)
{
    struct identity ca = make_identity("test authority", NULL, NID_basic_constraints, "critical,CA:TRUE");
    struct identity other = make_identity("other authority", NULL, NID_basic_constraints, "critical,CA:TRUE");
    struct identity server, client;
    char names[64];

    snprintf(names, sizeof(names), "IP:%s", address);
    server = make_identity(address, &ca, NID_subject_alt_name, names);
    client = make_identity("exporter", &ca, NID_basic_constraints, "CA:FALSE");
    write_certificate(folder, "client.pem", client.certificate);
    write_key(folder, "client.key", client.key);
    write_certificate(folder, "ca.pem", ca.certificate);
    write_certificate(folder, "other-ca.pem", other.certificate);
    write_certificate(folder, "server.pem", server.certificate);
    write_key(folder, "server.key", server.key);
    free_identity(&client);
    free_identity(&server);
    free_identity(&other);
    free_identity(&ca);
}
