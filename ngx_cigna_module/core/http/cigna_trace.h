
#ifndef _CIGNA_TRACE_H_INCLUDED_
#define _CIGNA_TRACE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Ids of a request that callers send: X-Request-Id, whose form nothing defines,
 * and the lines of W3C's Trace Context (level 1).
 */

#define CIGNA_REQUEST_ID_MAX  128


/* 1 if an X-Request-Id may be passed on and logged: letters, digits, signs */
int cigna_request_id_valid(cigna_slice_t id);

/*
 * 1 if a traceparent can be read by those who know only version 00: no ids of
 * zeros, no capitals (section 3.2).
 */
int cigna_traceparent_valid(cigna_slice_t value);

/* 1 if a tracestate is a list of members (section 3.3) */
int cigna_tracestate_valid(cigna_slice_t value);


#endif /* _CIGNA_TRACE_H_INCLUDED_ */
