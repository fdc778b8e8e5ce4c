
#include <stddef.h>
#include <string.h>

#include "cigna_arena.h"
#include "cigna_secret.h"


static void *cigna_arena_take(cigna_arena_t *a, size_t len);


void
cigna_arena_init(cigna_arena_t *a, void *mem, size_t size)
{
    a->start = mem;
    a->pos = mem;
    a->end = mem;

    if (size) {
        a->end += size;
    }
}


void *
cigna_arena_alloc(cigna_arena_t *a, size_t len)
{
    size_t  pad;

    pad = -(uintptr_t) a->pos & (_Alignof(max_align_t) - 1);

    if (cigna_arena_take(a, pad) == NULL) {
        return NULL;
    }

    return cigna_arena_take(a, len);
}


int
cigna_arena_copy(cigna_arena_t *a, cigna_slice_t s, cigna_slice_t *out)
{
    void  *p;

    *out = cigna_slice_null;

    if (s.len == 0) {
        return CIGNA_OK;
    }

    p = cigna_arena_take(a, s.len);
    if (p == NULL) {
        return CIGNA_ERROR;
    }

    memcpy(p, s.data, s.len);

    out->data = p;
    out->len = s.len;

    return CIGNA_OK;
}


void
cigna_arena_open(cigna_arena_t *a, cigna_buf_t *b)
{
    cigna_buf_init(b, a->pos, (size_t) (a->end - a->pos));

    /*
     * The appender has all of it: allocations fail in the meantime, and a
     * wipe reaches what it wrote, even if it is never closed.
     */

    a->pos = a->end;
}


cigna_slice_t
cigna_arena_close(cigna_arena_t *a, cigna_buf_t *b)
{
    if (b->overflow) {
        cigna_secret_wipe(b->start, (size_t) (b->pos - b->start));
        a->pos = b->start;

    } else {
        a->pos = b->pos;
    }

    return cigna_buf_slice(b);
}


void
cigna_arena_wipe(cigna_arena_t *a)
{
    cigna_secret_wipe(a->start, (size_t) (a->pos - a->start));

    a->pos = a->start;
}


static void *
cigna_arena_take(cigna_arena_t *a, size_t len)
{
    uint8_t  *p;

    if (len > (size_t) (a->end - a->pos)) {
        return NULL;
    }

    p = a->pos;

    if (len) {
        a->pos += len;
    }

    return p;
}
