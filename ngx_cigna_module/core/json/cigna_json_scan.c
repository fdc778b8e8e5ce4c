
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "cigna_json_scan.h"


#define CIGNA_JSON_EACH  ((uint64_t) -1 / 0xff)    /* a word with 1 in each
                                                      byte */


static inline const uint8_t *cigna_json_leap(const uint8_t *p,
    const uint8_t *end);


/* skips eight spaces at a time, because indented text has many */

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


const uint8_t *
cigna_json_run(const uint8_t *p, const uint8_t *end)
{
    for (p = cigna_json_leap(p, end); p < end; p++) {
        if (cigna_json_is_stop(*p)) {
            break;
        }
    }

    return p;
}


/*
 * Skips plain bytes, up to the first quote, backslash or control byte, or up to
 * the last few bytes before the end.  Tests sixteen bytes at a time with SSE2,
 * which every x86-64 has, and eight on other little-endian machines.  On
 * big-endian machines the function skips nothing.
 *
 * In a word x of eight bytes, (x - CIGNA_JSON_EACH) & ~x sets the high bit of
 * each zero byte.  It may also set the high bit of a byte above a zero byte, so
 * only the lowest bit that is set is reliable.  Bytes below a space are found
 * in the same way.
 */

static inline const uint8_t *
cigna_json_leap(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    int      stop;
    __m128i  x, quote, slash, space;

    quote = _mm_set1_epi8('"');
    slash = _mm_set1_epi8('\\');
    space = _mm_set1_epi8(0x1f);

    for ( /* void */ ; end - p >= 16; p += 16) {

        x = _mm_loadu_si128((const __m128i *) p);

        stop = _mm_movemask_epi8(
                   _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote),
                                             _mm_cmpeq_epi8(x, slash)),
                                _mm_cmpeq_epi8(_mm_min_epu8(x, space), x)));

        if (stop) {
            return p + __builtin_ctz((unsigned) stop);
        }
    }

#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t  x, quote, slash, stop;

    for ( /* void */ ; end - p >= 8; p += 8) {

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
    }
#endif

    return p;
}
