
#ifndef _CIGNA_SEARCH_H_INCLUDED_
#define _CIGNA_SEARCH_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * A search by POST, and the GET that it stands for (FHIR R4,
 * https://hl7.org/fhir/R4/http.html#search):
 *
 *     POST [base]/[type]/_search
 *     Content-Type: application/x-www-form-urlencoded
 *
 * is the same search as GET [base]/[type]?...  The parameters of the POST are
 * in the body, in the URL's query, or in both.  A name that is in both appears
 * twice in the GET.
 */


/* 1 if the decoded path ends with "/[type]/_search", with any type */
int cigna_search_path(cigna_slice_t path);

/* 1 if a Content-Type is that of a form, without charset or with UTF-8 */
int cigna_search_form(cigna_slice_t media_type);

/*
 * Appends the query of the GET by which a search by POST is sent: first the
 * pairs of the URL's query, then those of the body.  Each pair is decoded and
 * encoded anew, so that the query has only RFC 3986's unreserved characters,
 * "%XX", "=" and "&".  A pair without "=" stays without it.  Empty pairs ("&&")
 * are dropped.
 *
 * CIGNA_ERROR: a broken escape, a control byte, or not UTF-8; the output must
 * then not be used.  b needs room for cigna_search_query_max() bytes.
 */
int cigna_search_query(cigna_slice_t query, cigna_slice_t body,
    cigna_buf_t *b);

size_t cigna_search_query_max(size_t query_len, size_t body_len);


#endif /* _CIGNA_SEARCH_H_INCLUDED_ */
