
#include <string.h>

#include "cigna_cookie.h"


static int cigna_cookie_time(cigna_slice_t s, uint64_t *time_s);
static void cigna_cookie_append_time(cigna_buf_t *b, uint64_t time_s);


#define CIGNA_COOKIE_HTTP_NAME   cigna_slice("cigna-")
#define CIGNA_COOKIE_HTTPS_NAME  cigna_slice("__Host-cigna-")

#define CIGNA_COOKIE_TIME_MAX    10        /* most digits of the start time */
#define CIGNA_COOKIE_SECRET_MIN  22        /* 128 bits in base64url */
#define CIGNA_COOKIE_SECRET_MAX  64

#define CIGNA_COOKIE_SIGNS       "-_"      /* the signs that base64url has
                                              beside letters and digits */

static const char  cigna_cookie_digits[] =
    "0123456789abcdefghijklmnopqrstuvwxyz";


int
cigna_cookie_next(cigna_slice_t *rest, cigna_slice_t *name,
    cigna_slice_t *value)
{
    size_t         len;
    cigna_slice_t  pair;

    while (rest->len) {

        pair = cigna_slice_trim(cigna_slice_cut(rest, ';'));
        len = pair.len;

        *name = cigna_slice_cut(&pair, '=');

        if (name->len == 0 || name->len == len) {

            /* the pair has no name, or no "=" */

            continue;
        }

        *name = cigna_slice_trim(*name);
        *value = cigna_slice_trim(pair);

        return CIGNA_OK;
    }

    return CIGNA_NONE;
}


int
cigna_cookie_parse(cigna_slice_t name, cigna_slice_t value, int https,
    cigna_cookie_t *c)
{
    cigna_slice_t  prefix, started;

    prefix = https ? CIGNA_COOKIE_HTTPS_NAME : CIGNA_COOKIE_HTTP_NAME;

    if (!cigna_slice_starts(name, prefix)) {
        return CIGNA_ERROR;
    }

    c->tag = cigna_slice_skip(name, prefix.len);
    started = cigna_slice_cut(&value, '.');
    c->secret = value;

    if (c->tag.len != CIGNA_COOKIE_TAG_LEN
        || !cigna_slice_only(c->tag, CIGNA_COOKIE_SIGNS)
        || c->secret.len < CIGNA_COOKIE_SECRET_MIN
        || c->secret.len > CIGNA_COOKIE_SECRET_MAX
        || !cigna_slice_only(c->secret, CIGNA_COOKIE_SIGNS))
    {
        return CIGNA_ERROR;
    }

    return cigna_cookie_time(started, &c->started_s);
}


void
cigna_cookie_append(cigna_buf_t *b, const cigna_cookie_t *c, int https,
    unsigned life_s)
{
    cigna_buf_append(b, https ? CIGNA_COOKIE_HTTPS_NAME
                              : CIGNA_COOKIE_HTTP_NAME);
    cigna_buf_append(b, c->tag);
    cigna_buf_append_char(b, '=');

    if (life_s) {

        /* a line that removes a cookie needs no value */

        cigna_cookie_append_time(b, c->started_s);
        cigna_buf_append_char(b, '.');
        cigna_buf_append(b, c->secret);
    }

    cigna_buf_append_str(b, "; Path=/; Max-Age=");
    cigna_buf_append_uint(b, life_s);

    /*
     * SameSite is not Strict, because Cigna's site starts the navigation to the
     * callback
     */

    cigna_buf_append_str(b, "; HttpOnly; SameSite=Lax");

    if (https) {
        cigna_buf_append_str(b, "; Secure");
    }
}


static int
cigna_cookie_time(cigna_slice_t s, uint64_t *time_s)
{
    size_t       i;
    uint64_t     n;
    const char  *digit;

    if (s.len == 0 || s.len > CIGNA_COOKIE_TIME_MAX) {
        return CIGNA_ERROR;
    }

    n = 0;

    for (i = 0; i < s.len; i++) {

        digit = memchr(cigna_cookie_digits, s.data[i], 36);
        if (digit == NULL) {
            return CIGNA_ERROR;
        }

        n = n * 36 + (uint64_t) (digit - cigna_cookie_digits);
    }

    *time_s = n;

    return CIGNA_OK;
}


static void
cigna_cookie_append_time(cigna_buf_t *b, uint64_t time_s)
{
    uint8_t  digits[13], *p, *end;         /* UINT64_MAX has 13 digits */

    end = digits + sizeof(digits);
    p = end;

    do {
        *--p = (uint8_t) cigna_cookie_digits[time_s % 36];
        time_s /= 36;
    } while (time_s);

    cigna_buf_append(b, cigna_slice_make(p, end));
}
