
#ifndef _CIGNA_CORS_H_INCLUDED_
#define _CIGNA_CORS_H_INCLUDED_


#include "cigna_uri.h"


/* Cross-origin requests of browsers (CORS), as in the Fetch standard. */


/* a longer Access-Control-Request-Headers is not repeated in the reply */

#define CIGNA_CORS_NAMES_MAX  1024


/*
 * Parses an origin of the configuration: "https://host[:port]", or "http://"
 * with a loopback host.  CIGNA_ERROR: *error is a constant text that says what
 * is wrong and what to write instead.  To write the origin as browsers do, call
 * cigna_uri_append_origin().
 */
int cigna_cors_origin_parse(cigna_slice_t text, cigna_uri_t *origin,
    const char **error);

/*
 * 1 if a reply may repeat this Access-Control-Request-Headers: the list has
 * only header field names, at least one, and is not too long
 */
int cigna_cors_names(cigna_slice_t list);

/* 1 if the header field belongs to CORS: "Access-Control-*" */
int cigna_cors_line(cigna_slice_t name);


#endif /* _CIGNA_CORS_H_INCLUDED_ */
