
#ifndef _CIGNA_FHIR_BASE_H_INCLUDED_
#define _CIGNA_FHIR_BASE_H_INCLUDED_


#include "http/cigna_uri.h"


/*
 * FHIR base URLs (FHIR R4, http.html, "Service Base URL"): those under which
 * an upstream is known, its own and aliases of it, and the gateway's, which
 * takes their place.
 */

#define CIGNA_BASES_MAX          16
#define CIGNA_FHIR_BASE_LEN_MAX  256


typedef struct {
    cigna_uri_t   uri;                     /* without query; borrowed */
    size_t        len;
    uint8_t       text[CIGNA_FHIR_BASE_LEN_MAX];  /* its usual form: no default
                                                     port, no "/" at the end */
} cigna_fhir_base_t;


/* the longest form of a base has these beside the usual form */

#define CIGNA_FHIR_BASE_PORTS_MAX    (sizeof(":65535:65535") - 1)
#define CIGNA_FHIR_BASE_SLASHES_MAX  8     /* in front of the path */

/* and a dot behind the host, and the "s" of https */

#define CIGNA_FHIR_BASE_FORM_MAX                                              \
    (CIGNA_FHIR_BASE_PORTS_MAX + CIGNA_FHIR_BASE_SLASHES_MAX + 2)


typedef struct {
    cigna_fhir_base_t  base[CIGNA_BASES_MAX];
    unsigned           n;
    size_t             len_plain;          /* of the longest text, plus two */
    size_t             len_max;            /* of the longest form of any */
    unsigned           mixed:1;            /* some have the same host, but not
                                              the same origin */
} cigna_bases_t;


/* an empty list */
void cigna_bases_init(cigna_bases_t *bases);

/*
 * Adds a base; borrows its text.  CIGNA_ERROR, and *error says why in words, if
 * the text is not an absolute http or https URL, has a query or is too long, or
 * if the list is full.  The same base may be added twice.
 */
int cigna_bases_add(cigna_bases_t *bases, cigna_slice_t text,
    const char **error);

/*
 * CIGNA_OK: the first *len bytes of the URL are a known base, the longest one
 * that fits.  CIGNA_NONE: the URL leads elsewhere.
 *
 * Hosts are compared in upper or lower case, with or without a dot at the end.
 * The scheme, which may be missing ("//host"), and ports do not matter.  Paths
 * are compared byte by byte, after one "/" or more, and up to a border: "/",
 * "?", "#" or the end.  A path without a host belongs to the base that was
 * added first; if that base has no path, *len is 0.  A URL with user
 * information has no base.
 *
 * cut: more of the URL follows, which is not here.
 */
int cigna_bases_match(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len);

/*
 * The same for the usual form of a base; the first len_plain bytes of the URL
 * are enough.  CIGNA_NONE: more must be known.  Most links end here.
 */
int cigna_bases_match_plain(const cigna_bases_t *bases, cigna_slice_t url,
    int cut, size_t *len);

/*
 * 1 if a text that begins so may be a URL of a base: CIGNA_FHIR_BASE_SCHEME_MAX
 * bytes are enough.
 */
#define CIGNA_FHIR_BASE_SCHEME_MAX  (sizeof("https://") - 1)

int cigna_bases_may_match(cigna_slice_t start);

/* 1 if a URL has an authority or an absolute path */
int cigna_bases_absolute(cigna_slice_t url);


#endif /* _CIGNA_FHIR_BASE_H_INCLUDED_ */
