#include "das/nonce.h"

#include <stdio.h>
#include <sys/random.h>

bool nonce_make(char nonce[NONCE_SIZE], struct error *error)
{
    unsigned char bytes[(NONCE_SIZE - 1) / 2];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        error_set(error, ERROR_SYSTEM, "the system gives no random bytes");
        return false;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
    return true;
}
