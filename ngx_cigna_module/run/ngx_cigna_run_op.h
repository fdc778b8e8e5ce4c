
#ifndef _NGX_CIGNA_RUN_OP_H_INCLUDED_
#define _NGX_CIGNA_RUN_OP_H_INCLUDED_


#include "ngx_cigna_run.h"


/* Performs the operations of a run's flow.  Only the driver uses this file. */


/*
 * Starts run->op.  NGX_OK: the operation is over, and its event is in run->ev.
 * NGX_AGAIN: the run will be posted.  NGX_DONE: the flow has ended, or asks for
 * an idle sleep (cigna_op_sleep_t) while the worker exits.
 */
ngx_int_t ngx_cigna_run_perform(ngx_cigna_run_t *run);

/*
 * Collects the result of run->op after the run was posted.  NGX_OK: the event
 * is in run->ev.  NGX_AGAIN: the operation goes on.
 */
ngx_int_t ngx_cigna_run_collect(ngx_cigna_run_t *run);

/* cancels the operation, and frees the bytes of its event; may be repeated */
void ngx_cigna_run_op_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_OP_H_INCLUDED_ */
