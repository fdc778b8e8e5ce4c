
#ifndef _CIGNA_COOKIE_H_INCLUDED_
#define _CIGNA_COOKIE_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Cookie of one dance, RFC 6265 with the __Host- prefix of RFC 6265bis:
 *
 *     __Host-cigna-<tag>=<start time>.<browser secret>
 *
 * tag: the first 8 characters of the dance id.  The start time, seconds in
 * base 36, lets the oldest go when there are too many.  Without https the
 * prefix is left out, as browsers demand Secure with it.
 */

#define CIGNA_COOKIE_TAG_LEN     8
#define CIGNA_COOKIE_DANCES_MAX  8         /* in one browser */
#define CIGNA_COOKIE_LIFE_S      1800

typedef struct {
    cigna_slice_t   tag;
    cigna_slice_t   secret;
    uint64_t        started_s;
} cigna_cookie_t;


/*
 * Steps through one Cookie header line: *rest is advanced past each pair.
 * CIGNA_OK with name and value, CIGNA_NONE at the end.  Malformed pairs are
 * skipped.
 */
int cigna_cookie_next(cigna_slice_t *rest, cigna_slice_t *name,
    cigna_slice_t *value);

/* CIGNA_OK if the pair is a dance cookie of ours for this scheme */
int cigna_cookie_parse(cigna_slice_t name, cigna_slice_t value, int https,
    cigna_cookie_t *c);

/* the value of a Set-Cookie header; life_s 0 expires the cookie */
void cigna_cookie_append(cigna_buf_t *b, const cigna_cookie_t *c, int https,
    unsigned life_s);


#endif /* _CIGNA_COOKIE_H_INCLUDED_ */
