
#ifndef _CIGNA_CORS_H_INCLUDED_
#define _CIGNA_CORS_H_INCLUDED_


#include "cigna_uri.h"


/* Cross-origin requests of browsers, as the Fetch standard has them. */


/* of Access-Control-Request-Headers, if it is to be repeated */

#define CIGNA_CORS_NAMES_MAX  1024


/*
 * An origin of the configuration: "https://host[:port]", or "http://" with a
 * loopback host.  CIGNA_ERROR sets *error: what is wrong, and what to write.
 * cigna_uri_append_origin() writes it as browsers do.
 */
int cigna_cors_origin_parse(cigna_slice_t text, cigna_uri_t *origin,
    const char **error);

/* 1 for a list of names of header lines, which is short enough and plain */
int cigna_cors_names(cigna_slice_t list);

/* 1 if a header line of this name is CORS': "Access-Control-*" */
int cigna_cors_line(cigna_slice_t name);


#endif /* _CIGNA_CORS_H_INCLUDED_ */
