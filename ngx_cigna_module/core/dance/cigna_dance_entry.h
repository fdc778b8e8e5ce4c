
#ifndef _CIGNA_DANCE_ENTRY_H_INCLUDED_
#define _CIGNA_DANCE_ENTRY_H_INCLUDED_


#include "vault/cigna_vault_names.h"


/*
 * An entry of the lists of open dances: "<state> <id> <tenant> <identity>".
 * All four have a fixed length.  With it, any node can close the dance.
 */

#define CIGNA_DANCE_ENTRY_MAX  128


typedef struct {
    cigna_slice_t  name;                   /* <state>, of the dance's key */
    cigna_slice_t  id;
    cigna_slice_t  tenant;                 /* keyed hash */
    cigna_slice_t  identity;               /* keyed hash */
} cigna_dance_entry_t;


void cigna_dance_entry_append(cigna_buf_t *b, const cigna_dance_entry_t *e);

/* *e borrows from the text; CIGNA_ERROR: it is malformed */
int cigna_dance_entry_parse(cigna_slice_t text, cigna_dance_entry_t *e);


#endif /* _CIGNA_DANCE_ENTRY_H_INCLUDED_ */
