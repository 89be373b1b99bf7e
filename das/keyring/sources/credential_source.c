#include "das/keyring/sources/credential_source.h"

#include "das/keyring/sources/credentials_call.h"

void issued_credentials_release(struct issued_credentials *issued)
{
    credentials_put(issued->credentials);
    *issued = (struct issued_credentials){NULL, 0};
}

bool credentials_send(struct transport *transport, struct transport_request request, const char *what,
                      const char *advice, struct transport_response *response, struct error *error)
{
    struct error plain;

    request.whole_body_max = CREDENTIALS_REPLY_MAX;
    if (request.proxy == NULL)
        request.proxy = "";
    if (transport_send(transport, &request, response, &plain))
        return true;
    error_set(error, plain.class, "%s: %s%s%s", what, plain.message, advice[0] != '\0' ? "; " : "", advice);
    return false;
}

void credentials_trim(struct strbuf *text)
{
    size_t length = text->length;

    while (length > 0 && (unsigned char)text->data[length - 1] <= ' ')
        length--;
    strbuf_truncate(text, length);
}
