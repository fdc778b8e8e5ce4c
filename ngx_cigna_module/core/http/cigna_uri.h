
#ifndef _CIGNA_URI_H_INCLUDED_
#define _CIGNA_URI_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Absolute http and https URLs (RFC 3986), without userinfo and fragment.  All
 * slices borrow from the text that was parsed.
 */

typedef struct {
    cigna_slice_t   text;                  /* the whole URL */
    cigna_slice_t   host;                  /* without brackets */
    cigna_slice_t   authority;             /* host and port as written */
    cigna_slice_t   path;                  /* may be empty */
    cigna_slice_t   query;                 /* without "?" */
    uint16_t        port;                  /* the scheme's default if absent */
    unsigned        https:1;
    unsigned        has_query:1;
} cigna_uri_t;


/*
 * CIGNA_ERROR: the text is not an absolute http or https URL, or it has
 * userinfo, a fragment, a backslash, control bytes, spaces, bytes beyond ASCII,
 * other bytes that a URL must not have there, a bad port, an empty host, or a
 * bad percent escape.
 */
int cigna_uri_parse(cigna_slice_t text, cigna_uri_t *u);

/*
 * Parses "host[:port]"; an IPv6 address is in brackets.  Without a port, *port
 * is unchanged.  CIGNA_ERROR: the text is malformed, the port is 0, or there is
 * a colon without a port.
 */
int cigna_uri_authority_parse(cigna_slice_t text, cigna_slice_t *host,
    uint16_t *port);

/* 1 if scheme, host and port are the same; the case of the host is ignored */
int cigna_uri_same_origin(const cigna_uri_t *a, const cigna_uri_t *b);

/* 1 if the host is 127.0.0.1, ::1, localhost, or a name below .localhost */
int cigna_uri_loopback(const cigna_uri_t *u);

/*
 * 1 if the entry "allowed" of the allow list lets the gateway send a browser to
 * "target".  Both must have the same origin.  The target's path must be the
 * allowed path, or continue it with a new segment.  The target's path must not
 * have a dot segment in any spelling (see cigna_dots.h), an empty segment
 * before its end, a segment that begins with ";", or an escaped "/" or "\".
 */
int cigna_uri_allows(const cigna_uri_t *allowed, const cigna_uri_t *target);

/* appends "scheme://host[:port]" in lower case, without the default port */
void cigna_uri_append_origin(cigna_buf_t *b, const cigna_uri_t *u);

/* appends origin, path ("/" if it is empty) and query */
void cigna_uri_append(cigna_buf_t *b, const cigna_uri_t *u);


#endif /* _CIGNA_URI_H_INCLUDED_ */
