
/*
 * The state of a segment's name:
 *
 *   empty --"."--> one --"."--> two --"."--> named
 *
 *   empty            --> nameless    at ";", "?" and "#"
 *   empty, one, two  --> named       at a letter, for example
 *   any state        --> empty       at "/" and "\"
 *
 * A name ends at the end of the path, and before "/", "\", ";", "?", "#", a
 * space or a control byte.  If it ends in state one or two, the path has a dot
 * segment.
 *
 * "escape" keeps the bytes that may become an escape: percent signs, each with
 * one digit after it or none.  The next digit completes the last of them.  The
 * decoded byte is then read like any other, as it may be part of an escape
 * itself.  Escapes do not overlap, so the order of decoding does not matter.
 */


#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "cigna_dots.h"


typedef enum {
    cigna_dots_name_empty = 0,
    cigna_dots_name_one,
    cigna_dots_name_two,
    cigna_dots_name_named,
    cigna_dots_name_nameless
} cigna_dots_name_e;


static int cigna_dots_escape(cigna_dots_t *d, uint8_t *c);
static void cigna_dots_literal(cigna_dots_t *d);
static void cigna_dots_byte(cigna_dots_t *d, uint8_t c);
static int cigna_dots_is_dots(const cigna_dots_t *d);
static int cigna_dots_overlong(uint8_t last, uint8_t c);
static const uint8_t *cigna_dots_plain(const uint8_t *p, const uint8_t *end);
static int cigna_dots_is_plain(uint8_t c);


void
cigna_dots_init(cigna_dots_t *d)
{
    d->found = 0;
    d->separated = 0;
    d->name = cigna_dots_name_empty;
    d->last = 0;
    d->escape_len = 0;
}


void
cigna_dots_next(cigna_dots_t *d, uint8_t c)
{
    uint8_t  came;

    came = c;

    if (cigna_dots_escape(d, &c)) {
        return;
    }

    if (c != came && (c == '/' || c == '\\')) {
        d->separated = 1;
    }

    cigna_dots_literal(d);
    cigna_dots_byte(d, c);
}


/*
 * Returns 1 if "escape" keeps c, or is full: a path with so many escapes counts
 * as one with a dot segment.  Otherwise returns 0, and *c is the next byte to
 * read: the byte of the escape that c completes, or c itself.
 */

static int
cigna_dots_escape(cigna_dots_t *d, uint8_t *c)
{
    uint8_t  before;

    for ( ;; ) {

        before = d->escape_len ? d->escape[d->escape_len - 1] : 0;

        if (*c != '%' && (before == 0 || cigna_slice_hex(*c) < 0)) {
            return 0;
        }

        if (*c == '%' || before == '%') {

            if (d->escape_len == CIGNA_DOTS_ESCAPE_MAX) {
                d->found = 1;
                d->escape_len = 0;

            } else {
                d->escape[d->escape_len++] = *c;
            }

            return 1;
        }

        *c = (uint8_t) (cigna_slice_hex(before) << 4 | cigna_slice_hex(*c));
        d->escape_len -= 2;
    }
}


/* the bytes in "escape" are not an escape: they count as one plain byte */

static void
cigna_dots_literal(cigna_dots_t *d)
{
    if (d->escape_len) {
        d->escape_len = 0;
        cigna_dots_byte(d, '%');
    }
}


static void
cigna_dots_byte(cigna_dots_t *d, uint8_t c)
{
    if (cigna_dots_overlong(d->last, c)) {
        d->found = 1;
    }

    d->last = c;

    if (c == '/' || c == '\\') {
        d->found |= cigna_dots_is_dots(d);
        d->name = cigna_dots_name_empty;
        return;
    }

    if (c <= ' ' || c == ';' || c == '?' || c == '#') {

        d->found |= cigna_dots_is_dots(d);

        if (c > ' ' && d->name == cigna_dots_name_empty) {
            d->name = cigna_dots_name_nameless;
        }

        return;
    }

    if (c != '.' && d->name != cigna_dots_name_nameless) {
        d->name = cigna_dots_name_named;

    } else if (c == '.' && d->name < cigna_dots_name_named) {
        d->name++;
    }
}


static int
cigna_dots_is_dots(const cigna_dots_t *d)
{
    return d->name == cigna_dots_name_one || d->name == cigna_dots_name_two;
}


/*
 * 1 if the bytes "last" and c begin an overlong character, which RFC 3629,
 * section 4, forbids
 */

static int
cigna_dots_overlong(uint8_t last, uint8_t c)
{
    return c == 0xc0 || c == 0xc1
           || (last == 0xe0 && c >= 0x80 && c < 0xa0)
           || (last == 0xf0 && c >= 0x80 && c < 0x90);
}


size_t
cigna_dots_run(cigna_dots_t *d, const uint8_t *p, const uint8_t *end)
{
    const uint8_t  *start;

    if (d->escape_len || cigna_dots_is_dots(d)) {
        return 0;
    }

    start = p;
    p = cigna_dots_plain(p, end);

    if (p > start) {
        d->last = p[-1];
        d->name = (d->last == '/') ? cigna_dots_name_empty
                                   : cigna_dots_name_named;
    }

    return p - start;
}


/*
 * Skips plain bytes, sixteen at a time with SSE2.  The comparison with "$" is
 * signed, so bytes beyond ASCII end the run, as bytes below "$" do.
 */

static const uint8_t *
cigna_dots_plain(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    int      stop;
    __m128i  x;

    while (end - p >= 16) {

        x = _mm_loadu_si128((const __m128i *) p);

        stop = _mm_movemask_epi8(
                   _mm_or_si128(
                       _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8('$')),
                                    _mm_cmpeq_epi8(x, _mm_set1_epi8('%'))),
                       _mm_or_si128(
                           _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('.')),
                                        _mm_cmpeq_epi8(x, _mm_set1_epi8('?'))),
                           _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')))));

        if (stop) {
            return p + __builtin_ctz((unsigned) stop);
        }

        p += 16;
    }

#endif

    while (p < end && cigna_dots_is_plain(*p)) {
        p++;
    }

    return p;
}


static int
cigna_dots_is_plain(uint8_t c)
{
    return c >= '$' && c < 0x80 && c != '%' && c != '.' && c != '?'
           && c != '\\';
}


int
cigna_dots_end(cigna_dots_t *d)
{
    cigna_dots_literal(d);

    return d->found || cigna_dots_is_dots(d);
}


int
cigna_dots_nameless(const cigna_dots_t *d)
{
    return d->name == cigna_dots_name_nameless;
}
