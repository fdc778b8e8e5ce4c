
#ifndef _CIGNA_BASE_H_INCLUDED_
#define _CIGNA_BASE_H_INCLUDED_


#include "cigna_uri.h"


/*
 * FHIR base URLs (FHIR R4, http.html, "Service Base URL"): those under which
 * an upstream is known, its own and aliases of it, and the gateway's, which
 * takes their place.
 */

#define CIGNA_BASES_MAX     16
#define CIGNA_BASE_LEN_MAX  256


typedef struct {
    cigna_uri_t     uri;                   /* without query; borrowed */
    size_t          len;
    uint8_t         text[CIGNA_BASE_LEN_MAX];  /* as it is mostly written:
                                                  no port that goes without
                                                  saying, no "/" at the end */
} cigna_base_t;


typedef struct {
    cigna_base_t    base[CIGNA_BASES_MAX];
    unsigned        n;
    size_t          len_max;               /* longest form of any, with port */
} cigna_bases_t;


/* an empty list */
void cigna_bases_init(cigna_bases_t *bases);

/*
 * Adds a base; borrows its text.  CIGNA_ERROR and *error in words if it is no
 * absolute http(s) URL without query, too long, or one too many.  The same
 * base twice is fine.
 */
int cigna_bases_add(cigna_bases_t *bases, cigna_slice_t text,
    const char **error);

/*
 * How many bytes of the URL are a known base: of several that fit, the
 * longest.  0: it lies elsewhere.  Scheme and host are compared in either
 * case, ports with the scheme's own filled in, the path to the byte and up to
 * a border: "/", "?", "#" or the end.  A URL with user information is nobody's.
 *
 * "cut": more bytes follow, which are not here.
 */
size_t cigna_bases_match(const cigna_bases_t *bases, cigna_slice_t url,
    int cut);

/*
 * 1 if what was seen so far may still become a URL of a base: looks at the
 * scheme, of which a text of SCHEME_MAX bytes and more has all.
 */
#define CIGNA_BASE_SCHEME_MAX  (sizeof("https://") - 1)

int cigna_bases_may_match(cigna_slice_t start);


#endif /* _CIGNA_BASE_H_INCLUDED_ */
