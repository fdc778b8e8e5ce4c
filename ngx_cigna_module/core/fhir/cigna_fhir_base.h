
#ifndef _CIGNA_FHIR_BASE_H_INCLUDED_
#define _CIGNA_FHIR_BASE_H_INCLUDED_


#include "http/cigna_uri.h"


/*
 * FHIR base URLs (FHIR R4, http.html, "Service Base URL").  An upstream is
 * known under its own base URL and under aliases.  In links each of these is
 * replaced by the gateway's base URL.
 */

#define CIGNA_BASES_MAX          16
#define CIGNA_FHIR_BASE_LEN_MAX  256


typedef struct {
    cigna_uri_t   uri;                     /* the base, parsed; without a query;
                                              borrowed */
    size_t        len;
    uint8_t       text[CIGNA_FHIR_BASE_LEN_MAX];  /* its usual form: no default
                                                     port, no "/" at the end */
} cigna_fhir_base_t;


/* most bytes of the ports in a URL: some proxies write "host:443:443" */

#define CIGNA_FHIR_BASE_PORTS_MAX    (sizeof(":65535:65535") - 1)
#define CIGNA_FHIR_BASE_SLASHES_MAX  8     /* most "/" before the path */

/*
 * The bytes by which the longest form of a base exceeds its usual form: up to
 * two ports, slashes, a dot after the host, and the "s" of https.
 */

#define CIGNA_FHIR_BASE_FORM_MAX                                              \
    (CIGNA_FHIR_BASE_PORTS_MAX + CIGNA_FHIR_BASE_SLASHES_MAX + 2)


typedef struct {
    cigna_fhir_base_t  base[CIGNA_BASES_MAX];
    unsigned           n;
    size_t             len_plain;          /* length of the longest base in its
                                              usual form, plus the two bytes
                                              that cigna_bases_match_plain()
                                              reads behind it */
    size_t             len_max;            /* length of the longest base in its
                                              longest form */
    unsigned           mixed:1;            /* two bases have the same host, but
                                              not the same origin */
} cigna_bases_t;


/* makes the list empty */
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
 * that fits.  CIGNA_NONE: no known base fits.
 *
 * Case does not matter in a host, nor does a dot at its end.  Ports do not
 * matter, nor does the scheme, which may be missing ("//host").  A path may
 * begin with more than one "/".  The rest of a path has to be the same bytes,
 * and after the base's path the URL has to end or go on with "/", "?" or "#".
 * A URL that is only a path is compared with the path of the base that was
 * added first; if that base has no path, *len is 0.  A URL with user
 * information has no base.
 *
 * cut: 1 if "url" is only the first part of the URL.  Then a base that ends
 * where this part ends does not count.
 */
int cigna_bases_match(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len);

/*
 * Like cigna_bases_match(), but knows only the usual form of each base.  The
 * first len_plain bytes of the URL are enough.  CIGNA_NONE: cigna_bases_match()
 * has to decide.  For most links this cheap test finds the base.
 */
int cigna_bases_match_plain(const cigna_bases_t *bases, cigna_slice_t url,
    int cut, size_t *len);

/*
 * 1 if a text with this start may be a URL below a base.  The start needs at
 * most CIGNA_FHIR_BASE_SCHEME_MAX bytes.
 */
#define CIGNA_FHIR_BASE_SCHEME_MAX  (sizeof("https://") - 1)

int cigna_bases_may_match(cigna_slice_t start);

/* 1 if a URL begins with "http://", "https://" or "/" */
int cigna_bases_absolute(cigna_slice_t url);


#endif /* _CIGNA_FHIR_BASE_H_INCLUDED_ */
