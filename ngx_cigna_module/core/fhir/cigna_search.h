
#ifndef _CIGNA_SEARCH_H_INCLUDED_
#define _CIGNA_SEARCH_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * A search that is sent by POST, and the GET that it stands for (FHIR R4,
 * http.html#search, https://hl7.org/fhir/R4/http.html#search):
 *
 *     POST [base]/[type]/_search
 *     Content-Type: application/x-www-form-urlencoded
 *
 * means what GET [base]/[type]?... does.  Its parameters are in the body, in
 * the URL's query, or in both; a name that is in both counts as repeated.
 */


/* 1 if a path, decoded, ends with "/Type/_search" */
int cigna_search_path(cigna_slice_t path);

/*
 * 1 if a Content-Type is that of a form, in UTF-8: other parameters of it do
 * not matter, another charset does.
 */
int cigna_search_form(cigna_slice_t media_type);

/*
 * Appends the query of the GET: all pairs of the URL's, then those of the body,
 * in their order, each decoded and encoded anew, so that nothing is in it but
 * RFC 3986's unreserved characters, "%XX", "=" and "&".  What has no "=" gets
 * none; pairs without a byte ("&&") fall away.
 *
 * CIGNA_ERROR on a broken escape, a control byte, and what is no UTF-8; what
 * was appended is then of no use.  Overflows unless there is as much room as
 * _max() says.
 */
int cigna_search_query(cigna_slice_t query, cigna_slice_t body,
    cigna_buf_t *b);

size_t cigna_search_query_max(size_t query_len, size_t body_len);


#endif /* _CIGNA_SEARCH_H_INCLUDED_ */
