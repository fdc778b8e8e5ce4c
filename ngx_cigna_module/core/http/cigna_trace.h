
#ifndef _CIGNA_TRACE_H_INCLUDED_
#define _CIGNA_TRACE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * What ties a request's traces together: an X-Request-Id, about whose form
 * nobody has agreed, and the lines of W3C's Trace Context (level 1).
 */

#define CIGNA_REQUEST_ID_MAX    128
#define CIGNA_TRACE_ID_LEN      32         /* hexadecimal */
#define CIGNA_TRACE_ID_AT       3          /* in a traceparent */
#define CIGNA_TRACE_RANDOM_LEN  (CIGNA_TRACE_ID_LEN / 2)
#define CIGNA_TRACEPARENT_LEN   55


/* 1 if it may be passed on and logged: letters, digits and some signs */
int cigna_request_id_valid(cigna_slice_t id);

/*
 * 1 if it can be understood, by those who know version 00 only, too: no zero
 * ids, no capitals (section 3.2).
 */
int cigna_traceparent_valid(cigna_slice_t value);

/* 1 if a line is a list of members as section 3.3 has them */
int cigna_tracestate_valid(cigna_slice_t value);

/*
 * Begins a trace which nobody has decided to record: of this id, in 32 lower
 * case digits.  CIGNA_ERROR if it is none.
 */
int cigna_traceparent_make(cigna_slice_t trace_id,
    uint8_t out[CIGNA_TRACEPARENT_LEN]);

/* the same, of an id that is made here: random bytes, not all of them zero */
void cigna_traceparent_random(const uint8_t random[CIGNA_TRACE_RANDOM_LEN],
    uint8_t out[CIGNA_TRACEPARENT_LEN]);


#endif /* _CIGNA_TRACE_H_INCLUDED_ */
