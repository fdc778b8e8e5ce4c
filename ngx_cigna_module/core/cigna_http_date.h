
#ifndef _CIGNA_HTTP_DATE_H_INCLUDED_
#define _CIGNA_HTTP_DATE_H_INCLUDED_


#include "cigna_slice.h"


/*
 * IMF-fixdate of RFC 9110, section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", as
 * seconds since the epoch.  The two obsolete forms are not read: one needs a
 * clock to know its century.  The name of the day is not held against the
 * date.
 */
int cigna_http_date_parse(cigna_slice_t s, int64_t *time_s);


#endif /* _CIGNA_HTTP_DATE_H_INCLUDED_ */
