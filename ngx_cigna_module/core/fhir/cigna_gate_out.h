
#ifndef _CIGNA_GATE_OUT_H_INCLUDED_
#define _CIGNA_GATE_OUT_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * The last check of each request to a FHIR server: reads the request as
 * strictly as any server would (RFC 9112), and then refuses it or writes it
 * anew.  cigna_gate_out.c has the rules.
 */


/* the verdict; the fault is the caller's (answer 400) or the operator's */

typedef enum {
    cigna_gate_out_passed = 0,
    cigna_gate_out_target,                 /* caller: a byte or a segment that
                                              servers read in different ways;
                                              or the path of a search by POST
                                              does not end with "/_search" */
    cigna_gate_out_lines,                  /* caller: a value breaks the header
                                              into other lines */
    cigna_gate_out_value,                  /* operator: a value breaks the
                                              header, but no caller sent it */
    cigna_gate_out_request,                /* operator: not an HTTP/1 request
                                              with a known method and the given
                                              target, or the output buffer is
                                              too small */
    cigna_gate_out_base                    /* operator: the path is not below
                                              that of fhir_base, or goes on with
                                              two slashes */
} cigna_gate_out_e;


#define CIGNA_GATE_OUT_MAX  (cigna_gate_out_base + 1)


#define cigna_gate_out_by_caller(e)                                           \
    ((e) == cigna_gate_out_target || (e) == cigna_gate_out_lines)


typedef struct {
    /* set by the caller, borrowed */
    cigna_slice_t         target;          /* target of the request: u->uri */
    cigna_slice_t         host;            /* value of the Host line */
    cigna_slice_t         base;            /* path of fhir_base */

    /* names of the header lines that the operator sets (proxy_set_header) */
    const cigna_slice_t  *set;
    size_t                nset;

    /* values of the gateway's own lines; a line without value is not written */
    cigna_slice_t         token;
    cigna_slice_t         request_id;

    /* query of the GET that a search by POST stands for */
    cigna_slice_t         query;

    unsigned              search:1;        /* 1: a search by POST */
    unsigned              traceparent:1;   /* the caller's line may pass */
    unsigned              tracestate:1;    /* the caller's line may pass */
    unsigned              links:1;         /* "<base>/?" becomes "<base>?" */
    unsigned              whole:1;         /* the reply must be complete and
                                              not compressed */

    /* results, borrowed from the output */
    cigna_slice_t         line;            /* the request line's target */
    cigna_slice_t         path;            /* the target's path, after the
                                              base */
    cigna_slice_t         args;            /* the target's query, without "?" */
} cigna_gate_out_t;


/*
 * Writes the request of nginx's proxy anew to b: a request line, header lines,
 * an empty line, and nothing else.  If the verdict is not _passed, the caller
 * must not send any byte of b.
 *
 * An X-Request-Id line of the operator is sent instead of request_id.  Then
 * gate->request_id is emptied.
 */
cigna_gate_out_e cigna_gate_out(cigna_gate_out_t *gate, cigna_slice_t request,
    cigna_buf_t *b);

/*
 * Returns 1 if a header line of this name goes to Cigna only if the operator
 * has set it.  A caller's line of such a name is left out.  Returns 0 for
 * X-Request-Id, traceparent and tracestate, which have rules of their own.
 */
int cigna_gate_out_operators(cigna_slice_t name);

/*
 * the most bytes of output that cigna_gate_out() writes for a request of
 * request_len bytes
 */
size_t cigna_gate_out_max(const cigna_gate_out_t *gate, size_t request_len);


#endif /* _CIGNA_GATE_OUT_H_INCLUDED_ */
