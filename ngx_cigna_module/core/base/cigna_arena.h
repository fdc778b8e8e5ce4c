
#ifndef _CIGNA_ARENA_H_INCLUDED_
#define _CIGNA_ARENA_H_INCLUDED_


#include "cigna_buf.h"


/*
 * Memory of one flow: handed out from one block that the caller owns, never
 * given back singly, wiped as a whole.  An allocation that does not fit
 * returns NULL (or an overflown buffer); the block bounds what a run can use.
 */

typedef struct {
    uint8_t  *start;
    uint8_t  *pos;
    uint8_t  *end;
} cigna_arena_t;


void cigna_arena_init(cigna_arena_t *a, void *mem, size_t size);

/* len bytes, aligned for any type, not zeroed; NULL if there is no room */
void *cigna_arena_alloc(cigna_arena_t *a, size_t len);

/*
 * Copies s.  CIGNA_ERROR if there is no room, *out is then empty.  The copy
 * lives as long as the arena's block.
 */
int cigna_arena_copy(cigna_arena_t *a, cigna_slice_t s, cigna_slice_t *out);

/*
 * An appender over all the room that is left: until cigna_arena_close() no
 * other allocation may be made.  close() keeps what was written and returns
 * it (empty after an overflow, in which case nothing is kept).
 */
void cigna_arena_open(cigna_arena_t *a, cigna_buf_t *b);
cigna_slice_t cigna_arena_close(cigna_arena_t *a, cigna_buf_t *b);

/* wipes everything that was handed out and starts again */
void cigna_arena_wipe(cigna_arena_t *a);


#endif /* _CIGNA_ARENA_H_INCLUDED_ */
