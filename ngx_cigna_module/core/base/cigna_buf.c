
#include <string.h>

#include "cigna_buf.h"


static void cigna_buf_append_number(cigna_buf_t *b, uint64_t n, size_t len);


void
cigna_buf_init(cigna_buf_t *b, void *mem, size_t size)
{
    b->start = mem;
    b->pos = mem;
    b->end = mem;
    b->overflow = 0;

    if (size) {

        /* C does not define NULL + 0 */

        b->end += size;
    }
}


uint8_t *
cigna_buf_reserve(cigna_buf_t *b, size_t len)
{
    uint8_t  *p;

    if (b->overflow || len > (size_t) (b->end - b->pos)) {
        b->overflow = 1;
        return NULL;
    }

    p = b->pos;

    if (len) {
        b->pos += len;
    }

    return p;
}


void
cigna_buf_append(cigna_buf_t *b, cigna_slice_t s)
{
    uint8_t  *p;

    p = cigna_buf_reserve(b, s.len);

    if (p && s.len) {
        memcpy(p, s.data, s.len);
    }
}


void
cigna_buf_append_str(cigna_buf_t *b, const char *s)
{
    cigna_buf_append(b, cigna_slice_str(s));
}


void
cigna_buf_append_char(cigna_buf_t *b, uint8_t c)
{
    uint8_t  *p;

    p = cigna_buf_reserve(b, 1);

    if (p) {
        *p = c;
    }
}


void
cigna_buf_append_uint(cigna_buf_t *b, uint64_t n)
{
    uint8_t  digits[sizeof("18446744073709551615") - 1], *p, *end;

    end = digits + sizeof(digits);
    p = end;

    do {
        *--p = (uint8_t) ('0' + n % 10);
        n /= 10;
    } while (n);

    cigna_buf_append(b, cigna_slice_make(p, end));
}


void
cigna_buf_append_u32(cigna_buf_t *b, uint32_t n)
{
    cigna_buf_append_number(b, n, 4);
}


void
cigna_buf_append_u64(cigna_buf_t *b, uint64_t n)
{
    cigna_buf_append_number(b, n, 8);
}


static void
cigna_buf_append_number(cigna_buf_t *b, uint64_t n, size_t len)
{
    uint8_t  *p;

    p = cigna_buf_reserve(b, len);

    for ( /* void */ ; p && len; n >>= 8) {
        p[--len] = (uint8_t) n;
    }
}


void
cigna_buf_append_lp(cigna_buf_t *b, cigna_slice_t s)
{
    uint8_t  *start;

    if (s.len > UINT32_MAX) {
        b->overflow = 1;
        return;
    }

    start = b->pos;

    cigna_buf_append_u32(b, (uint32_t) s.len);
    cigna_buf_append(b, s);

    if (b->overflow) {

        /*
         * an append that does not fit writes nothing, so the length in front is
         * taken back
         */

        b->pos = start;
    }
}


cigna_slice_t
cigna_buf_slice(const cigna_buf_t *b)
{
    if (b->overflow) {
        return cigna_slice_null;
    }

    return cigna_slice_make(b->start, b->pos);
}
