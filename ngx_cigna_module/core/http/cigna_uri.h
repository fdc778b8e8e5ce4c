
#ifndef _CIGNA_URI_H_INCLUDED_
#define _CIGNA_URI_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Absolute http and https URLs, RFC 3986, without userinfo and without a
 * fragment.  All slices borrow from the text that was parsed.
 */

typedef struct {
    cigna_slice_t   text;                  /* as it was given */
    cigna_slice_t   host;                  /* without brackets */
    cigna_slice_t   authority;             /* host and port as written */
    cigna_slice_t   path;                  /* may be empty */
    cigna_slice_t   query;                 /* without "?" */
    uint16_t        port;                  /* the scheme's own if absent */
    unsigned        https:1;
    unsigned        has_query:1;
} cigna_uri_t;


/*
 * CIGNA_ERROR on anything else than an absolute http(s) URL in printable
 * ASCII: userinfo, fragment, backslash, control bytes, spaces, bad port, empty
 * host, bad percent escape.
 */
int cigna_uri_parse(cigna_slice_t text, cigna_uri_t *u);

/*
 * "host[:port]", an IPv6 address in brackets.  *port is left alone if there is
 * none; 0 and an empty one are refused.
 */
int cigna_uri_authority_parse(cigna_slice_t text, cigna_slice_t *host,
    uint16_t *port);

/* scheme, host (either case) and port are the same */
int cigna_uri_same_origin(const cigna_uri_t *a, const cigna_uri_t *b);

/* 1 if the host is this machine by name or address, and stays so */
int cigna_uri_loopback(const cigna_uri_t *u);

/*
 * May a browser be sent to "target" if "allowed" is on the list?  Same origin,
 * and the path equals the allowed one or continues it at a segment border (an
 * allowed path that ends with "/" is such a border).  Refused whatever the
 * list says: dot segments in any guise (cigna_dots.h: "%2e%252e", "..;a"), "//"
 * in the path, and "/" and "\" that are escaped, however often.
 */
int cigna_uri_allows(const cigna_uri_t *allowed, const cigna_uri_t *target);

/* "scheme://host[:port]", lower case, default port left out */
void cigna_uri_append_origin(cigna_buf_t *b, const cigna_uri_t *u);

/* writes the parts out anew: origin, path ("/" if empty), query */
void cigna_uri_append(cigna_buf_t *b, const cigna_uri_t *u);


#endif /* _CIGNA_URI_H_INCLUDED_ */
