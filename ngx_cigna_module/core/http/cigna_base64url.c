
#include <string.h>

#include "cigna_base64url.h"
#include "base/cigna_secret.h"


static void cigna_base64_append_as(cigna_buf_t *b, cigna_slice_t s,
    const char *alphabet, int padding);
static int cigna_base64_decode_as(cigna_slice_t s, cigna_buf_t *b, int any);
static int cigna_base64_decode_group(const uint8_t *in, size_t n,
    uint8_t *out, int any);


#define CIGNA_BASE64_DIGITS                                                   \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

#define CIGNA_BASE64_BAD  64


void
cigna_base64url_append(cigna_buf_t *b, cigna_slice_t s)
{
    cigna_base64_append_as(b, s, CIGNA_BASE64_DIGITS "-_", 0);
}


void
cigna_base64_append(cigna_buf_t *b, cigna_slice_t s)
{
    cigna_base64_append_as(b, s, CIGNA_BASE64_DIGITS "+/", 1);
}


int
cigna_base64url_decode(cigna_slice_t s, cigna_buf_t *b)
{
    return cigna_base64_decode_as(s, b, 0);
}


int
cigna_base64_decode_any(cigna_slice_t s, cigna_buf_t *b)
{
    while (s.len && s.data[s.len - 1] == '=') {
        s.len--;
    }

    return cigna_base64_decode_as(s, b, 1);
}


static int
cigna_base64_decode_as(cigna_slice_t s, cigna_buf_t *b, int any)
{
    size_t    i, n;
    uint8_t  *start, *out;

    if (s.len % 4 == 1) {
        return CIGNA_ERROR;
    }

    start = cigna_buf_reserve(b, s.len / 4 * 3 + s.len % 4 * 3 / 4);
    if (start == NULL) {
        return (s.len == 0 && !b->overflow) ? CIGNA_OK : CIGNA_ERROR;
    }

    out = start;

    for (i = 0; i < s.len; i += n) {

        n = (s.len - i < 4) ? s.len - i : 4;

        if (cigna_base64_decode_group(s.data + i, n, out, any) != CIGNA_OK) {

            /*
             * the bytes may be part of a secret, which must not stay in memory
             */

            cigna_secret_wipe(start, (size_t) (b->pos - start));
            b->pos = start;

            return CIGNA_ERROR;
        }

        out += n * 3 / 4;
    }

    return CIGNA_OK;
}


static void
cigna_base64_append_as(cigna_buf_t *b, cigna_slice_t s, const char *alphabet,
    int padding)
{
    size_t    i, k, n, len;
    uint8_t  *out;
    uint32_t  group;

    if (s.len > SIZE_MAX / 2) {
        b->overflow = 1;
        return;
    }

    len = s.len / 3 * 4 + (padding ? (s.len % 3 ? 4 : 0)
                                   : cigna_base64url_encoded_len(s.len % 3));

    out = cigna_buf_reserve(b, len);
    if (out == NULL) {
        return;
    }

    for (i = 0; i < s.len; i += n) {

        n = (s.len - i < 3) ? s.len - i : 3;
        group = 0;

        for (k = 0; k < n; k++) {
            group |= (uint32_t) s.data[i + k] << (16 - 8 * k);
        }

        for (k = 0; k < 4; k++) {

            if (k <= n) {
                *out++ = (uint8_t) alphabet[group >> (18 - 6 * k) & 0x3f];

            } else if (padding) {
                *out++ = '=';
            }
        }
    }
}


/* decodes 2 to 4 characters into 1 to 3 bytes */

static int
cigna_base64_decode_group(const uint8_t *in, size_t n, uint8_t *out, int any)
{
    size_t    i;
    uint8_t   c;
    uint32_t  group, value;

    group = 0;

    for (i = 0; i < n; i++) {

        c = in[i];

        if (any) {
            c = (c == '+') ? '-' : (c == '/') ? '_' : c;
        }

        value = cigna_base64url_value(c);

        if (value == CIGNA_BASE64_BAD) {
            return CIGNA_ERROR;
        }

        group |= value << (18 - 6 * i);
    }

    for (i = 0; i < n * 3 / 4; i++) {
        out[i] = (uint8_t) (group >> (16 - 8 * i));
    }

    /* with unused bits set, the same bytes would have several spellings */

    return (!any && group << (8 * i) & 0xffffff) ? CIGNA_ERROR : CIGNA_OK;
}


uint32_t
cigna_base64url_value(uint8_t c)
{
    const char         *digit;
    static const char   digits[] = CIGNA_BASE64_DIGITS "-_";

    digit = memchr(digits, c, sizeof(digits) - 1);

    return digit ? (uint32_t) (digit - digits) : CIGNA_BASE64_BAD;
}
