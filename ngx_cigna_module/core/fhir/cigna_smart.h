
#ifndef _CIGNA_SMART_H_INCLUDED_
#define _CIGNA_SMART_H_INCLUDED_


#include "cigna_public_metadata.h"
#include "json/cigna_json_walk.h"


/* The OAuth endpoints in public metadata, replaced as the text streams by. */


#define CIGNA_SMART_HELD_MAX  16384


typedef struct {
    /* set by init(), borrowed */
    const cigna_public_endpoint_t  *endpoints;
    unsigned                       n;
    cigna_public_metadata_e                  document;

    /* result */
    uint64_t                       replaced;

    /* private */
    cigna_json_walk_t              walk;
    unsigned                       matched;    /* levels of the way there */
    unsigned                       mark;       /* bytes of a byte order mark */

    unsigned                       in_key:1;
    unsigned                       holding:1;
    unsigned                       releasing:1;
    unsigned                       as_it_came:1;

    cigna_slice_t                  insert;
    size_t                         key_len;    /* one more than fits: too
                                                  long */
    size_t                         held_len;
    size_t                         held_pos;   /* goes out from here */

    uint8_t                        key[6 * CIGNA_PUBLIC_ENDPOINT_NAME_MAX];  /* raw */
    uint8_t                        held[CIGNA_SMART_HELD_MAX];
} cigna_smart_t;


void cigna_smart_init(cigna_smart_t *s, cigna_public_metadata_e document,
    const cigna_public_endpoint_t *endpoints, unsigned n);

/*
 * The next piece of output, never empty.  CIGNA_AGAIN: there is none, *in is
 * used up.  A piece borrows from *in, from s or from an endpoint until the next
 * call.
 */
int cigna_smart_next(cigna_smart_t *s, cigna_slice_t *in,
    cigna_slice_t *piece);

/* the input is over: what is held back still, if anything; else CIGNA_NONE */
int cigna_smart_end(cigna_smart_t *s, cigna_slice_t *piece);


#endif /* _CIGNA_SMART_H_INCLUDED_ */
