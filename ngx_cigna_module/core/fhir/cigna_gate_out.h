
#ifndef _CIGNA_GATE_OUT_H_INCLUDED_
#define _CIGNA_GATE_OUT_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * The gate out: reads every request to a FHIR server as strictly as any server
 * would (RFC 9112), then refuses it or writes it anew.  cigna_gate_out.c has
 * the rules.
 */


/* the verdict, and whose fault it is: the caller's (400), or the operator's */

typedef enum {
    cigna_gate_out_passed = 0,
    cigna_gate_out_target,                 /* caller: a byte or a segment that
                                              servers read in different ways */
    cigna_gate_out_lines,                  /* caller: a value breaks the header
                                              into other lines */
    cigna_gate_out_value,                  /* operator: likewise, but no caller
                                              has sent the value */
    cigna_gate_out_request,                /* operator: not an HTTP/1 request
                                              of method GET or HEAD */
    cigna_gate_out_base                    /* operator: the path is not below
                                              that of fhir_base */
} cigna_gate_out_e;


#define CIGNA_GATE_OUT_MAX  (cigna_gate_out_base + 1)


#define cigna_gate_out_by_caller(e)                                           \
    ((e) == cigna_gate_out_target || (e) == cigna_gate_out_lines)


typedef struct {
    /* what is known of the request; all borrowed */
    cigna_slice_t         target;          /* as nginx knows it, u->uri */
    cigna_slice_t         host;            /* value of the Host line */
    cigna_slice_t         base;            /* path of fhir_base */

    /* names of the operator's lines (proxy_set_header) */
    const cigna_slice_t  *set;
    size_t                nset;

    /* values of our lines; an empty one is not written */
    cigna_slice_t         token;
    cigna_slice_t         request_id;

    /* query of the GET that a search by POST stands for */
    cigna_slice_t         query;

    unsigned              search:1;        /* by POST */
    unsigned              traceparent:1;   /* the caller's may leave */
    unsigned              tracestate:1;    /* likewise */
    unsigned              links:1;         /* "<base>/?" becomes "<base>?" */
    unsigned              whole:1;         /* the reply must be complete and
                                              not compressed */

    /* results, borrowed from the output */
    cigna_slice_t         line;            /* the request line's target */
    cigna_slice_t         path;            /* its path, after the base */
    cigna_slice_t         args;            /* its query, without "?" */
} cigna_gate_out_t;


/*
 * Writes the request of nginx's proxy anew to b: a request line, header lines,
 * an empty line, and nothing else.  If the verdict is not _passed, nothing of b
 * may leave.
 *
 * An X-Request-Id that the operator has set takes the place of request_id,
 * which is then emptied.
 */
cigna_gate_out_e cigna_gate_out(cigna_gate_out_t *gate, cigna_slice_t request,
    cigna_buf_t *b);

/*
 * 1 if a line of this name leaves only where the operator has set it: callers'
 * lines of other names than the gate knows stay behind.
 */
int cigna_gate_out_operators(cigna_slice_t name);

/* the most bytes that the request may need in b */
size_t cigna_gate_out_max(const cigna_gate_out_t *gate, size_t request_len);


#endif /* _CIGNA_GATE_OUT_H_INCLUDED_ */
