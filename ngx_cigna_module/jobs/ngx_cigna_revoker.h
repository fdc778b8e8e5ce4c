
#ifndef _NGX_CIGNA_REVOKER_H_INCLUDED_
#define _NGX_CIGNA_REVOKER_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * The worker's revocations.  Each is a run of its own, because it may last for
 * minutes, and its arena is little larger than the token.  Revocations end with
 * the worker.
 */

#define NGX_CIGNA_REVOCATIONS_MAX  1024


/*
 * Starts the revocation that a run's flow asks for (cigna_op_revoke).  Copies
 * the token.  The outcome is logged and counted, even if it cannot start.
 */
void ngx_cigna_revoker_start(ngx_cigna_run_t *from, const cigna_op_t *op);

/* logs and counts tokens of the run's member that cannot be revoked */
void ngx_cigna_revoker_refuse(ngx_cigna_run_t *from, const char *why);


#endif /* _NGX_CIGNA_REVOKER_H_INCLUDED_ */
