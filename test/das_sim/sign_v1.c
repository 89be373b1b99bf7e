#include <event2/buffer.h>
#include <event2/http.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"
#include "util.h"

char *sign_v1_string_to_sign(const char *method, struct field_list *params)
{
    struct evbuffer *query = evbuffer_new();
    char *joined, *encoded, *text;

    if (query == NULL)
        abort();
    field_list_sort(params);
    sign_append_query(query, params, "Signature");
    joined = sign_take_text(query);
    encoded = evhttp_uriencode(joined, -1, 0);
    if (encoded == NULL)
        abort();
    text = xprintf("%s&%%2F&%s", method, encoded);
    free(encoded);
    free(joined);
    return text;
}

void sign_v1_signature(char out[SIGN_V1_SIZE], const char *secret, const char *string_to_sign)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    char *key = xprintf("%s&", secret);

    (void)HMAC(EVP_sha1(), key, (int)strlen(key), (const unsigned char *)string_to_sign,
               strlen(string_to_sign), digest, NULL);
    (void)EVP_EncodeBlock((unsigned char *)out, digest, 20);
    free(key);
}
