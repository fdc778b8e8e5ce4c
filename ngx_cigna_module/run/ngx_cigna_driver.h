
#ifndef _NGX_CIGNA_DRIVER_H_INCLUDED_
#define _NGX_CIGNA_DRIVER_H_INCLUDED_


#include "ngx_cigna_run.h"


/*
 * The flow driver: performs the operations that a run's flow asks for, and
 * gives the results back as events.
 */


/*
 * Starts the run.  Returns before the driver calls any handler.  The driver now
 * owns the run and frees it.
 */
void ngx_cigna_run_start(ngx_cigna_run_t *run, ngx_cigna_flow_pt next);

/*
 * Prepares a run that must wait before it starts.  The caller starts the run
 * later with ngx_cigna_run_post().  If run->failed is set by then, the driver
 * ends the run without calling the flow.
 */
void ngx_cigna_run_prepare(ngx_cigna_run_t *run, ngx_cigna_flow_pt next);

/*
 * After a change of Redis' primary, sets the locks and marks of all exchanges
 * that this worker has open again, within a second.
 */
void ngx_cigna_run_retake(ngx_cigna_worker_t *worker);

/* ends all runs of the worker, in exit_process */
void ngx_cigna_run_end_all(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_DRIVER_H_INCLUDED_ */
