
#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cigna_slice.h"


/* libFuzzer's: data is in memory of just that size, watched by ASan */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* called first, where a target has one */
int LLVMFuzzerInitialize(int *argc, char ***argv);


/* what must hold, also where NDEBUG is defined */

#define fuzz_assert(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)


static inline cigna_slice_t
fuzz_input(const uint8_t *data, size_t size)
{
    return (cigna_slice_t) { data, size };
}


/* cuts a byte off the front to steer by; 0 if there is none */

static inline uint8_t
fuzz_byte(cigna_slice_t *s)
{
    uint8_t  c;

    c = s->len ? s->data[0] : 0;
    *s = cigna_slice_skip(*s, 1);

    return c;
}


/* cuts n bytes off the front, or what there is */

static inline cigna_slice_t
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


/* 1 if inner lies in outer; an empty slice lies anywhere */

static inline int
fuzz_within(cigna_slice_t inner, cigna_slice_t outer)
{
    return inner.len == 0
           || (inner.data >= outer.data
               && inner.data + inner.len <= outer.data + outer.len);
}


/* a copy of both, one after the other, in memory of just their size */

static inline uint8_t *
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


#endif /* _FUZZ_H_INCLUDED_ */
