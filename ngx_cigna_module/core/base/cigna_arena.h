
#ifndef _CIGNA_ARENA_H_INCLUDED_
#define _CIGNA_ARENA_H_INCLUDED_


#include "cigna_buf.h"


/*
 * An arena keeps the strings of one flow, in one block of memory that the
 * caller owns.  A string is never freed alone; cigna_arena_wipe() frees all of
 * them.  The size of the block bounds the memory that a flow can use.
 */

typedef struct {
    uint8_t  *start;
    uint8_t  *pos;
    uint8_t  *end;
    unsigned  overflow:1;                  /* cigna_flow_text() had no room; set
                                              until cigna_arena_wipe() */
} cigna_arena_t;


/* the caller owns mem, which must outlive the arena */
void cigna_arena_init(cigna_arena_t *a, void *mem, size_t size);

/*
 * Copies s.  The copy lives until cigna_arena_wipe().  CIGNA_ERROR: the arena
 * has no room, and *out is empty.
 */
int cigna_arena_copy(cigna_arena_t *a, cigna_slice_t s, cigna_slice_t *out);

/*
 * cigna_arena_open() gives the rest of the block to an appender.  Until
 * cigna_arena_close(), cigna_arena_copy() has no room.  cigna_arena_close()
 * keeps the bytes that were appended and returns them.  If the appender has
 * overflowed, cigna_arena_close() drops the bytes and returns an empty slice.
 */
void cigna_arena_open(cigna_arena_t *a, cigna_buf_t *b);
cigna_slice_t cigna_arena_close(cigna_arena_t *a, cigna_buf_t *b);

/* overwrites all strings; the arena is then empty */
void cigna_arena_wipe(cigna_arena_t *a);


#endif /* _CIGNA_ARENA_H_INCLUDED_ */
