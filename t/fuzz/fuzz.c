
#include "fuzz.h"


cigna_slice_t
fuzz_input(const uint8_t *data, size_t size)
{
    return (cigna_slice_t) { data, size };
}


uint8_t
fuzz_byte(cigna_slice_t *s)
{
    uint8_t  c;

    c = s->len ? s->data[0] : 0;
    *s = cigna_slice_skip(*s, 1);

    return c;
}


cigna_slice_t
fuzz_cut(cigna_slice_t *s, size_t n)
{
    cigna_slice_t  head;

    head = *s;

    if (head.len > n) {
        head.len = n;
    }

    *s = cigna_slice_skip(*s, n);

    return head;
}


int
fuzz_within(cigna_slice_t inner, cigna_slice_t outer)
{
    return inner.len == 0
           || (inner.data >= outer.data
               && inner.data + inner.len <= outer.data + outer.len);
}


uint8_t *
fuzz_join(cigna_slice_t a, cigna_slice_t b)
{
    uint8_t  *p;

    p = malloc(a.len + b.len);
    fuzz_assert(p || a.len + b.len == 0);

    if (a.len) {
        memcpy(p, a.data, a.len);
    }

    if (b.len) {
        memcpy(p + a.len, b.data, b.len);
    }

    return p;
}
