
#ifndef _CIGNA_DANCE_ENTRY_H_INCLUDED_
#define _CIGNA_DANCE_ENTRY_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "vault/cigna_vault_names.h"


/*
 * Redis lists each open dance twice: in the list of its member's open dances,
 * and in the index, a list of all open dances of a shard.  cigna_vault_names.h
 * describes the two keys.  Both have the same entry for the dance:
 *
 *     <state> <id> <tenant> <identity>
 *
 * All four parts have a fixed length.  A node that has the entry can close the
 * dance.
 */

#define CIGNA_DANCE_ENTRY_MAX  128


typedef struct {
    cigna_slice_t  name;                   /* <state>: keyed hash, in the
                                              dance's Redis key */
    cigna_slice_t  id;
    cigna_slice_t  tenant;                 /* keyed hash */
    cigna_slice_t  identity;               /* keyed hash */
} cigna_dance_entry_t;


/* the entry's text, in the arena; without room, sets the arena's "overflow" */
cigna_slice_t cigna_dance_entry_text(cigna_arena_t *a,
    const cigna_dance_entry_t *e);

/* *e borrows from the text; CIGNA_ERROR: the text is malformed */
int cigna_dance_entry_parse(cigna_slice_t text, cigna_dance_entry_t *e);


#endif /* _CIGNA_DANCE_ENTRY_H_INCLUDED_ */
