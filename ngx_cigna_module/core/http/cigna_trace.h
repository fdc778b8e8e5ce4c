
#ifndef _CIGNA_TRACE_H_INCLUDED_
#define _CIGNA_TRACE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Checks the ids that callers send with a request: X-Request-Id, whose form no
 * standard defines, and the header lines of W3C Trace Context (level 1).
 */

#define CIGNA_REQUEST_ID_MAX  128


/*
 * 1 if an X-Request-Id may be passed on and logged: it is not empty, not longer
 * than CIGNA_REQUEST_ID_MAX, and has only letters, digits and the signs
 * "-._~+/=:@"
 */
int cigna_request_id_valid(cigna_slice_t id);

/*
 * 1 if a reader that knows only version 00 can read the traceparent: its ids
 * are not all zeros, and it has no capital letters (W3C Trace Context, section
 * 3.2)
 */
int cigna_traceparent_valid(cigna_slice_t value);

/*
 * 1 if a tracestate is a list of 1 to 32 valid members (W3C Trace Context,
 * section 3.3), and has at most 8192 bytes
 */
int cigna_tracestate_valid(cigna_slice_t value);


#endif /* _CIGNA_TRACE_H_INCLUDED_ */
