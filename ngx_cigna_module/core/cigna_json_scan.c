
#include <string.h>

#include "cigna_json_scan.h"


#define CIGNA_JSON_EACH  ((uint64_t) -1 / 0xff)    /* byte of a word: 1 */


/* indented text is mostly that */

const uint8_t *
cigna_json_space(const uint8_t *p, const uint8_t *end)
{
    uint64_t  x;

    while (end - p >= 8) {

        memcpy(&x, p, 8);

        if (x != CIGNA_JSON_EACH * ' ') {
            break;
        }

        p += 8;
    }

    while (p < end && cigna_json_is_space(*p)) {
        p++;
    }

    return p;
}


/*
 * Eight bytes at a time.  (x - 1) & ~x has the high bit of each zero byte set,
 * and perhaps of bytes above such a one, so that the lowest is right; likewise
 * for bytes below a space.
 */

const uint8_t *
cigna_json_run(const uint8_t *p, const uint8_t *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t  x, quote, slash, stop;

    while (end - p >= 8) {

        memcpy(&x, p, 8);

        quote = x ^ CIGNA_JSON_EACH * '"';
        slash = x ^ CIGNA_JSON_EACH * '\\';

        stop = ((quote - CIGNA_JSON_EACH) & ~quote)
               | ((slash - CIGNA_JSON_EACH) & ~slash)
               | ((x - CIGNA_JSON_EACH * ' ') & ~x);

        stop &= CIGNA_JSON_EACH * 0x80;

        if (stop) {
            return p + __builtin_ctzll(stop) / 8;
        }

        p += 8;
    }

#endif

    while (p < end && !cigna_json_is_stop(*p)) {
        p++;
    }

    return p;
}
