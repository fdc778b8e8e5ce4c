
#ifndef _CIGNA_LINK_FILTER_H_INCLUDED_
#define _CIGNA_LINK_FILTER_H_INCLUDED_


#include "cigna_link_keys.h"


/*
 * Rewrites absolute links in a FHIR resource (JSON, RFC 8259) while it streams
 * through: in one pass and in constant memory.  The result does not depend on
 * where the text is cut into pieces.  cigna_link_filter.c defines links, and
 * describes states and invariants.
 */

#define CIGNA_LINK_FILTER_DEPTH_MAX  128   /* most levels of values */
#define CIGNA_LINK_FILTER_KEY_MAX    32


typedef struct {
    /* set by cigna_link_filter_init(), borrowed */
    const cigna_bases_t  *bases;
    cigna_slice_t         base_url;        /* the gateway's base URL, with "/"
                                              at its end */

    /* results */
    uint64_t              rewritten;       /* number of rewritten links */
    uint64_t              elsewhere;       /* number of a Bundle's links that
                                              have an authority or an absolute
                                              path, and no known base */
    uint64_t              outside;         /* number of links to a known base
                                              that stayed because of dot
                                              segments or length */
    unsigned              broken:1;        /* not JSON, or nested too deeply:
                                              the rest passes as it is */

    /* private */
    unsigned              state;
    unsigned              resume;          /* the state after an escape */
    unsigned              depth;
    uint16_t              stack[CIGNA_LINK_FILTER_DEPTH_MAX];

    unsigned              key_len;         /* bytes of the key;
                                              CIGNA_LINK_FILTER_KEY_MAX + 1: the
                                              key is too long */
    uint8_t               key[CIGNA_LINK_FILTER_KEY_MAX];
    uint16_t              within;          /* kind of the next value, if it is
                                              an object or array:
                                              CIGNA_LINK_KEYS_IN_... */
    unsigned              link:1;          /* if the next value is a string, it
                                              may be a link */

    unsigned              mark;            /* bytes read of a byte order mark */
    unsigned              digits;          /* how many digits of \uXXXX still
                                              follow */
    unsigned              code;

    cigna_link_keys_t     url;             /* the string that may be a link */
} cigna_link_filter_t;


/*
 * base_url replaces each base with which a link begins.  base_url ends with "/"
 * and needs no escapes in JSON.
 */
void cigna_link_filter_init(cigna_link_filter_t *l, const cigna_bases_t *bases,
    cigna_slice_t base_url);

/*
 * Returns the next piece of output, which is never empty.  CIGNA_AGAIN: there
 * is no piece, and all of *in has been read.  Until the next call a piece
 * borrows from *in, l or base_url.
 */
int cigna_link_filter_next(cigna_link_filter_t *l, cigna_slice_t *in,
    cigna_slice_t *piece);

/*
 * CIGNA_OK if a text begins like a resource: "{" and a quote, with any white
 * space before each of them, perhaps after a byte order mark.  CIGNA_NONE: it
 * begins otherwise.  CIGNA_AGAIN: the text is too short to tell.
 */
int cigna_link_filter_begin(cigna_slice_t text);

/*
 * At the end of the input: returns the next of the last pieces, if any.
 * CIGNA_NONE: there are no more.
 */
int cigna_link_filter_end(cigna_link_filter_t *l, cigna_slice_t *piece);


#endif /* _CIGNA_LINK_FILTER_H_INCLUDED_ */
