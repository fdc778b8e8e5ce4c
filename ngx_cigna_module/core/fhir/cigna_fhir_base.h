
#ifndef _CIGNA_FHIR_BASE_H_INCLUDED_
#define _CIGNA_FHIR_BASE_H_INCLUDED_


#include "http/cigna_uri.h"


/*
 * FHIR base URLs (FHIR R4, http.html, "Service Base URL"): those under which
 * an upstream is known, its own and aliases of it, and the gateway's, which
 * takes their place.
 */

#define CIGNA_BASES_MAX     16
#define CIGNA_FHIR_BASE_LEN_MAX  256


typedef struct {
    cigna_uri_t     uri;                   /* without query; borrowed */
    size_t          len;
    uint8_t         text[CIGNA_FHIR_BASE_LEN_MAX];  /* as it is mostly written:
                                                  no port that goes without
                                                  saying, no "/" at the end */
} cigna_fhir_base_t;


/* what the longest form of a base has beside the base itself */

#define CIGNA_FHIR_BASE_PORTS_MAX    (sizeof(":65535:65535") - 1)
#define CIGNA_FHIR_BASE_SLASHES_MAX  8          /* in front of the path */

/* and a dot behind the host, and the "s" of https */
#define CIGNA_FHIR_BASE_FORM_MAX                                                   \
    (CIGNA_FHIR_BASE_PORTS_MAX + CIGNA_FHIR_BASE_SLASHES_MAX + 2)


typedef struct {
    cigna_fhir_base_t    base[CIGNA_BASES_MAX];
    unsigned             n;
    size_t               len_plain;             /* of the longest text, and two */
    size_t               len_max;               /* longest form of any */
    unsigned             mixed:1;               /* some share a host, and no port */
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
 * CIGNA_OK, and in *len how many bytes of the URL are a known base: of several
 * that fit, the longest.  CIGNA_NONE: it lies elsewhere.
 *
 * The host decides, in either case and with or without a dot at its end.  The
 * scheme, which may be left out ("//host"), and ports do not matter.  The path
 * is compared to the byte, behind one "/" or more, and up to a border: "/",
 * "?", "#" or the end.  A path alone is one of the base that was added first;
 * if that base has no path, *len is 0.  A URL with user information is
 * nobody's.
 *
 * "cut": more bytes follow, which are not here.
 */
int cigna_bases_match(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len);

/*
 * The same for a URL that begins with the text of a base, of which len_plain
 * bytes are here; CIGNA_NONE: more has to be known.  Most links end here.
 */
int cigna_bases_match_plain(const cigna_bases_t *bases, cigna_slice_t url,
    int cut, size_t *len);

/*
 * 1 if what was seen so far may still become a URL of a base: looks at how it
 * begins, of which a text of SCHEME_MAX bytes and more has all.
 */
#define CIGNA_FHIR_BASE_SCHEME_MAX  (sizeof("https://") - 1)

int cigna_bases_may_match(cigna_slice_t start);

/* 1 if a URL leads to a place of its own, wherever it stands */
int cigna_bases_absolute(cigna_slice_t url);


#endif /* _CIGNA_FHIR_BASE_H_INCLUDED_ */
