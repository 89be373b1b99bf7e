#include "das/keyring/base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One to three bytes as four characters. */
static void encode_group(const unsigned char *bytes, size_t count, struct strbuf *out)
{
    uint32_t bits = (uint32_t)bytes[0] << 16;
    char text[4];

    if (count > 1)
        bits |= (uint32_t)bytes[1] << 8;
    if (count > 2)
        bits |= bytes[2];
    text[0] = alphabet[bits >> 18];
    text[1] = alphabet[(bits >> 12) & 63];
    text[2] = '=';
    text[3] = '=';
    if (count > 1)
        text[2] = alphabet[(bits >> 6) & 63];
    if (count > 2)
        text[3] = alphabet[bits & 63];
    strbuf_append(out, text, sizeof(text));
}

void base64url_encode(const void *bytes, size_t length, struct strbuf *out)
{
    const unsigned char *rest = bytes;

    strbuf_reserve(out, length / 3 * 4 + 4);
    for (; length > 0; rest += length < 3 ? length : 3, length -= length < 3 ? length : 3)
        encode_group(rest, length < 3 ? length : 3, out);
}

/* 0 … 63, or -1 for a character outside of the alphabet. */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* The length without padding; false when there is padding that does not complete a group. */
static bool strip_padding(const char *text, size_t *length)
{
    size_t padding = 0;

    while (padding < 2 && padding < *length && text[*length - 1 - padding] == '=')
        padding++;
    if (padding > 0 && *length % 4 != 0)
        return false;
    *length -= padding;
    return true;
}

bool base64url_decode(const char *text, size_t length, struct strbuf *out)
{
    uint32_t bits = 0;
    unsigned pending = 0; /* bits read and not yet written: 0, 2, 4 or 6 */

    if (!strip_padding(text, &length) || length % 4 == 1 || !strbuf_reserve(out, length / 4 * 3 + 3))
        return false;
    for (size_t i = 0; i < length; i++) {
        int digit = digit_of(text[i]);

        if (digit < 0)
            return false;
        bits = (bits << 6 | (uint32_t)digit) & 0xfff;
        pending += 6;
        if (pending >= 8) {
            pending -= 8;
            strbuf_append_char(out, (char)(unsigned char)(bits >> pending));
        }
    }
    return (bits & ((1U << pending) - 1)) == 0 && !strbuf_failed(out);
}
