
#include <string.h>

#include "cigna_arena.h"
#include "cigna_secret.h"


void
cigna_arena_init(cigna_arena_t *a, void *mem, size_t size)
{
    a->start = mem;
    a->pos = mem;
    a->end = mem;
    a->overflow = 0;

    if (size) {
        a->end += size;
    }
}


int
cigna_arena_copy(cigna_arena_t *a, cigna_slice_t s, cigna_slice_t *out)
{
    *out = cigna_slice_null;

    if (s.len == 0) {
        return CIGNA_OK;
    }

    if (s.len > (size_t) (a->end - a->pos)) {
        return CIGNA_ERROR;
    }

    memcpy(a->pos, s.data, s.len);

    *out = (cigna_slice_t) { a->pos, s.len };
    a->pos += s.len;

    return CIGNA_OK;
}


void
cigna_arena_open(cigna_arena_t *a, cigna_buf_t *b)
{
    cigna_buf_init(b, a->pos, (size_t) (a->end - a->pos));

    /*
     * The appender owns the rest of the block until cigna_arena_close().  With
     * pos at the end of the block, copies fail, and cigna_arena_wipe()
     * overwrites the appended bytes even if cigna_arena_close() is never
     * called.
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
    a->overflow = 0;
}
