
#ifndef _CIGNA_HTTP_DATE_H_INCLUDED_
#define _CIGNA_HTTP_DATE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * A date of RFC 9110, section 5.6.7, as seconds since the epoch, in any of the
 * three forms that a recipient has to read:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT
 *     Sun Nov  6 08:49:37 1994
 *
 * now_s is what tells the century of the second one: its year is at most fifty
 * years after that.  -1: it is not known, and the year is one of 1970 to 2069.
 * The name of the day is not held against the date.
 *
 * CIGNA_ERROR: it is none, or before 1970; *time_s is left alone.
 */
int cigna_http_date_parse(cigna_slice_t s, int64_t now_s, int64_t *time_s);


#endif /* _CIGNA_HTTP_DATE_H_INCLUDED_ */
