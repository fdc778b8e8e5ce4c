
#ifndef _NGX_CIGNA_RUN_OP_H_INCLUDED_
#define _NGX_CIGNA_RUN_OP_H_INCLUDED_


#include "ngx_cigna_run.h"


/* The operations of a run, for the driver alone. */


/*
 * Starts what the flow has asked for.  NGX_OK: the event is there already;
 * NGX_AGAIN: it will come; NGX_DONE: the flow is over.
 */
ngx_int_t ngx_cigna_run_perform(ngx_cigna_run_t *run);

/*
 * Turns what an operation's callback has recorded into the next event.
 * NGX_AGAIN: the operation goes on.
 */
ngx_int_t ngx_cigna_run_collect(ngx_cigna_run_t *run);

/* gives up what is under way; idempotent */
void ngx_cigna_run_op_done(ngx_cigna_run_t *run);

/* of an open exchange, see ngx_cigna_run_retake() */
void ngx_cigna_run_op_retake(ngx_cigna_run_t *run);


/* the result is there: tells all who wait */
void ngx_cigna_run_result(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_OP_H_INCLUDED_ */
