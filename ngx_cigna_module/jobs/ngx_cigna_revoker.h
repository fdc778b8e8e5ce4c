
#ifndef _NGX_CIGNA_REVOKER_H_INCLUDED_
#define _NGX_CIGNA_REVOKER_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * The worker's revocations.  Each revocation has its own run, because it may
 * last for minutes.  The arena of the run is only a little larger than the
 * token.  When the worker exits, its revocations end.
 */

#define NGX_CIGNA_REVOCATIONS_MAX  1024


/*
 * Starts the revocation that a run's flow asks for (cigna_op_revoke), with a
 * copy of the token.  The outcome is logged, even if the revocation cannot
 * start.  It is counted, unless there is no revocation endpoint.
 */
void ngx_cigna_revoker_start(ngx_cigna_run_t *from, const cigna_op_t *op);

/* logs and counts tokens of the run's member that cannot be revoked */
void ngx_cigna_revoker_refuse(ngx_cigna_run_t *from, const char *why);


#endif /* _NGX_CIGNA_REVOKER_H_INCLUDED_ */
