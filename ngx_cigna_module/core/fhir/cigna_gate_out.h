
#ifndef _CIGNA_GATE_OUT_H_INCLUDED_
#define _CIGNA_GATE_OUT_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * The gate out: every request that is to leave for a FHIR server is read as its
 * strictest reader would read it (RFC 9112), then refused or written anew.  See
 * cigna_gate_out.c for the rules.
 */


/* who is at fault: the caller (400), or the configuration (500) */

typedef enum {
    cigna_gate_out_passed = 0,
    cigna_gate_out_target,                 /* caller: a byte or a segment that
                                              servers read in different ways */
    cigna_gate_out_lines,                  /* caller: a value broke the header
                                              into other lines */
    cigna_gate_out_value,                  /* configuration: the same, by a
                                              value that no caller has sent */
    cigna_gate_out_request,                /* configuration: not an HTTP/1
                                              request of method GET or HEAD */
    cigna_gate_out_base                    /* configuration: the path is not
                                              below that of fhir_base */
} cigna_gate_out_e;


#define CIGNA_GATE_OUT_MAX  (cigna_gate_out_base + 1)


#define cigna_gate_out_by_caller(e)                                           \
    ((e) == cigna_gate_out_target || (e) == cigna_gate_out_lines)


typedef struct {
    /* what the request is held against, all borrowed */
    cigna_slice_t         target;          /* as nginx knows it, u->uri */
    cigna_slice_t         host;            /* value of the Host line */
    cigna_slice_t         base;            /* path of fhir_base */

    /* names of lines that the operator sets, proxy_set_header */
    const cigna_slice_t  *set;
    size_t                nset;

    /* lines of ours; an empty one is not written */
    cigna_slice_t         token;
    cigna_slice_t         request_id;
    cigna_slice_t         traceparent;

    /* of a search by POST: the query of the GET that it stands for */
    cigna_slice_t         query;

    unsigned              search:1;        /* it is one */
    unsigned              tracestate:1;    /* the caller's goes on */
    unsigned              links:1;         /* "<base>/?" becomes "<base>?" */
    unsigned              whole:1;         /* the reply is wanted as a whole,
                                              and not compressed */

    /* results, borrowed from what was written */
    cigna_slice_t         line;            /* the request line's target */
    cigna_slice_t         path;            /* what follows the base in it */
    cigna_slice_t         args;            /* its query, without "?" */
} cigna_gate_out_t;


/*
 * Writes the request of nginx's proxy anew to b: one request, header lines, an
 * empty line, and nothing else.  Otherwise nothing of b may leave.
 *
 * request_id and traceparent give way to lines of these names that the operator
 * has set, and are emptied then.
 */
cigna_gate_out_e cigna_gate_out(cigna_gate_out_t *gate, cigna_slice_t request,
    cigna_buf_t *b);

/*
 * 1 if a line of this name leaves only where the operator has set it: callers'
 * lines of other names than the gate knows stay behind.
 */
int cigna_gate_out_operators(cigna_slice_t name);

/* the room that the request needs at most, bytes */
size_t cigna_gate_out_max(const cigna_gate_out_t *gate, size_t request_len);


#endif /* _CIGNA_GATE_OUT_H_INCLUDED_ */
