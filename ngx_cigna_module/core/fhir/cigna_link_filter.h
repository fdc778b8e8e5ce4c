
#ifndef _CIGNA_LINK_FILTER_H_INCLUDED_
#define _CIGNA_LINK_FILTER_H_INCLUDED_


#include "cigna_link_keys.h"


/*
 * Rewrites absolute links in a FHIR resource (JSON, RFC 8259) as it streams by:
 * one pass, constant memory, the same result however the text is cut.
 * cigna_link_filter.c says what a link is, and has states and invariants.
 */

#define CIGNA_LINK_FILTER_DEPTH_MAX  128   /* of nested values */
#define CIGNA_LINK_FILTER_KEY_MAX    32


typedef struct {
    /* set by init(), borrowed */
    const cigna_bases_t  *bases;
    cigna_slice_t         base_url;        /* the gateway's; ends with "/" */

    /* results */
    uint64_t              rewritten;       /* links */
    uint64_t              elsewhere;       /* a Bundle's links that lead to no
                                              known base */
    uint64_t              outside;         /* links to a known base that stayed:
                                              dot segments, or too long */
    unsigned              broken:1;        /* not JSON: the rest passes as it
                                              is */

    /* private */
    unsigned              state;
    unsigned              resume;          /* the state after an escape */
    unsigned              depth;
    uint16_t              stack[CIGNA_LINK_FILTER_DEPTH_MAX];

    unsigned              key_len;         /* one more than fits: too long */
    uint8_t               key[CIGNA_LINK_FILTER_KEY_MAX];
    uint16_t              within;          /* the kind of the next value */
    unsigned              link:1;          /* a string here may be a link */

    unsigned              mark;            /* bytes of a byte order mark */
    unsigned              digits;          /* of \uXXXX, still to come */
    unsigned              code;

    cigna_link_keys_t     url;             /* the string that may be a link */
} cigna_link_filter_t;


/*
 * base_url: takes the place of a known base: a URL that needs no escapes in
 * JSON and ends with "/".
 */
void cigna_link_filter_init(cigna_link_filter_t *l, const cigna_bases_t *bases,
    cigna_slice_t base_url);

/*
 * The next piece of output, never empty.  CIGNA_AGAIN: there is none, and *in
 * is used up.  A piece borrows from *in, l or base_url, until the next call.
 */
int cigna_link_filter_next(cigna_link_filter_t *l, cigna_slice_t *in,
    cigna_slice_t *piece);

/*
 * CIGNA_OK if a text begins as a resource does: a byte order mark or white
 * space, "{", white space, a quote.  CIGNA_AGAIN: more must be known.
 */
int cigna_link_filter_begin(cigna_slice_t text);

/* at the end of the input: the last piece, or CIGNA_NONE */
int cigna_link_filter_end(cigna_link_filter_t *l, cigna_slice_t *piece);


#endif /* _CIGNA_LINK_FILTER_H_INCLUDED_ */
