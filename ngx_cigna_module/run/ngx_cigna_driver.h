
#ifndef _NGX_CIGNA_DRIVER_H_INCLUDED_
#define _NGX_CIGNA_DRIVER_H_INCLUDED_


#include "ngx_cigna_run.h"


/*
 * The flow driver: performs the operations that a run's flow asks for, and
 * feeds the events back.
 */


/*
 * Starts the run.  Returns before any handler is called.  From here on the
 * driver frees the run.
 */
void ngx_cigna_run_start(ngx_cigna_run_t *run, ngx_cigna_flow_pt next);

/*
 * The same in two parts, for a run that must wait for something first: this
 * function, and later ngx_cigna_run_post().  If "failed" is set then, the flow
 * is never called.
 */
void ngx_cigna_run_prepare(ngx_cigna_run_t *run, ngx_cigna_flow_pt next);

/*
 * After a change of Redis' primary: open exchanges set their lock and mark
 * again, all within a second.
 */
void ngx_cigna_run_retake(ngx_cigna_worker_t *worker);

/* ends all runs of the worker, in exit_process */
void ngx_cigna_run_end_all(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_DRIVER_H_INCLUDED_ */
