
#ifndef _NGX_CIGNA_REVOKER_H_INCLUDED_
#define _NGX_CIGNA_REVOKER_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * Revocations of this worker: runs of their own, as they may last for minutes,
 * with an arena that holds little more than the token.  They end with the
 * worker.
 */

#define NGX_CIGNA_REVOCATIONS_MAX  1024


/*
 * Takes over what a run is asked to have revoked, which is copied.  Whatever
 * becomes of it is logged and counted, one that cannot be begun as well.
 */
void ngx_cigna_revoker_start(ngx_cigna_run_t *from, const cigna_op_t *op);

/* logs and counts tokens of the run's member for which nothing can be done */
void ngx_cigna_revoker_refuse(ngx_cigna_run_t *from, const char *why);


#endif /* _NGX_CIGNA_REVOKER_H_INCLUDED_ */
