
#ifndef _CIGNA_RETRY_AFTER_H_INCLUDED_
#define _CIGNA_RETRY_AFTER_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Reads Retry-After (RFC 9110, section 10.2.3), which is a number of seconds or
 * a date.  For a date, *ms is the time from now_s to the date; it is 0 if the
 * date is in the past.  now_s is in seconds since the epoch: the reply's own
 * Date if it has one, otherwise the gateway's clock.  If now_s is -1 (unknown),
 * a date gives the maximum.  *ms is at most CIGNA_RETRY_AFTER_MAX_MS, even if
 * the server asks for more.
 *
 * CIGNA_NONE: the value is empty.  CIGNA_ERROR: it is neither seconds nor a
 * date.  In both cases *ms is -1.
 */

#define CIGNA_RETRY_AFTER_MAX_MS  (INT64_C(3600) * 1000)

int cigna_retry_after_parse(cigna_slice_t value, int64_t now_s, int64_t *ms);


#endif /* _CIGNA_RETRY_AFTER_H_INCLUDED_ */
