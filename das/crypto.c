#include "das/crypto.h"

#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/store.h>

#define MAC_SIZE 32

/* Looking one algorithm of a kind up lists all of that kind. */
static void list_algorithms(void)
{
    EVP_MD_free(EVP_MD_fetch(NULL, "SHA256", NULL));
    EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL));
    EVP_KDF_free(EVP_KDF_fetch(NULL, "HKDF", NULL));
    EVP_RAND_free(EVP_RAND_fetch(NULL, "CTR-DRBG", NULL));
    EVP_KEYMGMT_free(EVP_KEYMGMT_fetch(NULL, "EC", NULL));
    EVP_KEYEXCH_free(EVP_KEYEXCH_fetch(NULL, "ECDH", NULL));
    EVP_SIGNATURE_free(EVP_SIGNATURE_fetch(NULL, "ECDSA", NULL));
    EVP_ASYM_CIPHER_free(EVP_ASYM_CIPHER_fetch(NULL, "RSA", NULL));
    OSSL_DECODER_free(OSSL_DECODER_fetch(NULL, "EC", NULL));
    OSSL_STORE_LOADER_free(OSSL_STORE_LOADER_fetch(NULL, "file", NULL));
}

/* What certificates are signed with is looked up in a list of names, which is made once, too. */
static bool knows_digests(void)
{
    static const char *const names[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (EVP_get_digestbyname(names[i]) == NULL)
            return false;
    }
    return OBJ_find_sigid_algs(NID_sha256WithRSAEncryption, NULL, NULL) == 1;
}

static bool signs(void)
{
    unsigned char mac[MAC_SIZE];
    size_t size;

    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, "key", 3, (const unsigned char *)"text", 4, mac,
                     sizeof(mac), &size) != NULL;
}

static bool was_out_of_memory(void)
{
    bool found = false;

    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
        found = found || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return found;
}

bool crypto_global_init(struct error *error)
{
    bool ok = OSSL_LIB_CTX_get0_global_default() != NULL && OPENSSL_init_ssl(0, NULL) == 1;

    if (ok)
        list_algorithms();
    ok = ok && signs() && knows_digests();
    if (was_out_of_memory())
        error_set(error, ERROR_NO_MEMORY, "out of memory while OpenSSL starts");
    else if (!ok)
        error_set(error, ERROR_SYSTEM,
                  "OpenSSL cannot sign or verify with SHA-256: out of memory, or openssl.cnf forbids it");
    else
        return true;
    return false;
}
