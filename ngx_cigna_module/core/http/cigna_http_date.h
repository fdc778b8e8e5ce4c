
#ifndef _CIGNA_HTTP_DATE_H_INCLUDED_
#define _CIGNA_HTTP_DATE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Reads a date of RFC 9110, section 5.6.7, as seconds since the epoch.  A
 * recipient has to accept three forms:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT
 *     Sun Nov  6 08:49:37 1994
 *
 * The second form has no century: its year is at most fifty years after now_s,
 * the current time, or from 1970 to 2069 if now_s is -1 (unknown).  The name of
 * the day is not checked.
 *
 * CIGNA_ERROR: not a date, or before 1970; *time_s is then unchanged.
 */
int cigna_http_date_parse(cigna_slice_t s, int64_t now_s, int64_t *time_s);


#endif /* _CIGNA_HTTP_DATE_H_INCLUDED_ */
