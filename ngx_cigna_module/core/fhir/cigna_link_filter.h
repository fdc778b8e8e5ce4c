
#ifndef _CIGNA_LINK_FILTER_H_INCLUDED_
#define _CIGNA_LINK_FILTER_H_INCLUDED_


#include "cigna_link_keys.h"


/*
 * Absolute links in a FHIR resource (JSON, RFC 8259), rewritten as it streams
 * by: one pass, constant memory, the same result however the text is cut.  See
 * cigna_link_filter.c for what is a link, and for states and invariants.
 */

#define CIGNA_LINK_FILTER_DEPTH_MAX  128         /* of nested values */
#define CIGNA_LINK_FILTER_KEY_MAX    32


typedef struct {
    /* set by init(), borrowed */
    const cigna_bases_t  *bases;
    cigna_slice_t         own;             /* ends with "/" */

    /* results */
    uint64_t              rewritten;       /* links */
    uint64_t              elsewhere;       /* a Bundle's links to another place
                                              than a known base */
    uint64_t              outside;         /* links to a known base that stayed:
                                              dot segments, or too long */
    unsigned              broken:1;        /* from somewhere on it is no JSON
                                              and passes as it is */

    /* private */
    unsigned              state;
    unsigned              resume;          /* state behind an escape */
    unsigned              depth;
    uint16_t              stack[CIGNA_LINK_FILTER_DEPTH_MAX];

    unsigned              key_len;         /* one more than fits: too long */
    uint8_t               key[CIGNA_LINK_FILTER_KEY_MAX];
    uint16_t              within;          /* what the next value is within */
    unsigned              link:1;          /* a string here is a link */

    unsigned              mark;            /* bytes of a byte order mark */
    unsigned              digits;          /* of \uXXXX, still to come */
    unsigned              code;

    cigna_link_keys_t          held;
} cigna_link_filter_t;


/*
 * own: what takes the place of a known base, a URL that needs no escapes in
 * JSON and ends with "/", which is left out where another one follows.
 */
void cigna_link_filter_init(cigna_link_filter_t *l, const cigna_bases_t *bases,
    cigna_slice_t own);

/*
 * The next piece of output, never empty.  CIGNA_AGAIN: there is none, *in is
 * used up.  A piece borrows from *in, from l or from "own" until the next call.
 */
int cigna_link_filter_next(cigna_link_filter_t *l, cigna_slice_t *in,
    cigna_slice_t *piece);

/*
 * Does a text begin as a resource does, behind white space or a byte order
 * mark: "{", white space and a quote?  CIGNA_AGAIN: more has to be known.
 */
int cigna_link_filter_begin(cigna_slice_t text);

/* the input is over: what is held back still, if anything; else CIGNA_NONE */
int cigna_link_filter_end(cigna_link_filter_t *l, cigna_slice_t *piece);


#endif /* _CIGNA_LINK_FILTER_H_INCLUDED_ */
