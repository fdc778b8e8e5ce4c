
#ifndef _NGX_CIGNA_RUN_OP_H_INCLUDED_
#define _NGX_CIGNA_RUN_OP_H_INCLUDED_


#include "ngx_cigna_run.h"


/* Performs the operations of a run's flow.  For the driver alone. */


/*
 * Starts run->op.  NGX_OK: run->ev has its event.  NGX_AGAIN: the run will be
 * posted.  NGX_DONE: the flow has ended.
 */
ngx_int_t ngx_cigna_run_perform(ngx_cigna_run_t *run);

/*
 * After the run was posted: NGX_OK and the event in run->ev, or NGX_AGAIN while
 * the operation goes on.
 */
ngx_int_t ngx_cigna_run_collect(ngx_cigna_run_t *run);

/* cancels the operation that is under way; may be called twice */
void ngx_cigna_run_op_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_OP_H_INCLUDED_ */
