
#ifndef _CIGNA_COOKIE_H_INCLUDED_
#define _CIGNA_COOKIE_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * The cookie of one dance (RFC 6265), with the __Host- prefix of RFC 6265bis:
 *
 *     __Host-cigna-<tag>=<start time>.<browser secret>
 *
 * A dance is one run of the OAuth flow.  The tag is the first 8 characters of
 * the dance id.  The start time is in seconds, in base 36.  It shows which
 * cookie is the oldest: the gateway removes the oldest one if a browser has too
 * many.  On http the prefix is left out, because it requires Secure.
 */

#define CIGNA_COOKIE_TAG_LEN     8
#define CIGNA_COOKIE_DANCES_MAX  8         /* most dances of one browser */
#define CIGNA_COOKIE_LIFE_S      1800

typedef struct {
    cigna_slice_t   tag;
    cigna_slice_t   secret;
    uint64_t        started_s;
} cigna_cookie_t;


/*
 * Cuts the next pair off the value of a Cookie header line.  name and value
 * borrow from *rest.  CIGNA_NONE: no pair is left.  Malformed pairs are
 * skipped.
 */
int cigna_cookie_next(cigna_slice_t *rest, cigna_slice_t *name,
    cigna_slice_t *value);

/*
 * CIGNA_OK: the pair is a dance cookie for this scheme, and *c borrows from it.
 * CIGNA_ERROR: the pair is another cookie, or is malformed.
 */
int cigna_cookie_parse(cigna_slice_t name, cigna_slice_t value, int https,
    cigna_cookie_t *c);

/*
 * Appends the value of a Set-Cookie header line.  life_s is the Max-Age in
 * seconds; 0 removes the cookie.
 */
void cigna_cookie_append(cigna_buf_t *b, const cigna_cookie_t *c, int https,
    unsigned life_s);


#endif /* _CIGNA_COOKIE_H_INCLUDED_ */
