
#ifndef _CIGNA_ARENA_H_INCLUDED_
#define _CIGNA_ARENA_H_INCLUDED_


#include "cigna_buf.h"


/*
 * The strings of one flow, in one block of memory that the caller owns.  A
 * string is never freed alone; the block is wiped as a whole.  The size of the
 * block bounds what a flow can use.
 */

typedef struct {
    uint8_t  *start;
    uint8_t  *pos;
    uint8_t  *end;
} cigna_arena_t;


/* mem stays the caller's, and must outlive the arena */
void cigna_arena_init(cigna_arena_t *a, void *mem, size_t size);

/*
 * Copies s.  The copy lives as long as the block.  CIGNA_ERROR: no room, and
 * *out is empty.
 */
int cigna_arena_copy(cigna_arena_t *a, cigna_slice_t s, cigna_slice_t *out);

/*
 * open() gives the rest of the block to an appender; no copy can be made until
 * close().  close() keeps the bytes that were appended and returns them.  After
 * an overflow it keeps nothing and returns an empty slice.
 */
void cigna_arena_open(cigna_arena_t *a, cigna_buf_t *b);
cigna_slice_t cigna_arena_close(cigna_arena_t *a, cigna_buf_t *b);

/* overwrites all that was kept; the arena is then empty */
void cigna_arena_wipe(cigna_arena_t *a);


#endif /* _CIGNA_ARENA_H_INCLUDED_ */
