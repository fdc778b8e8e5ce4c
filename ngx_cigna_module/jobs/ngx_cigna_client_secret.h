
#ifndef _NGX_CIGNA_CLIENT_SECRET_H_INCLUDED_
#define _NGX_CIGNA_CLIENT_SECRET_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "oauth/cigna_client_secret.h"


/*
 * To be called after each step of a flow that sends a client secret, or when
 * the flow is over.  If Cigna has accepted one of the tenant's two secrets,
 * counts a use of the older one, logs which one works if that has changed (at
 * most once a minute for each secret), and clears secret->worked.
 */
void ngx_cigna_client_secret_worked(ngx_cigna_run_t *run,
    cigna_client_secret_t *secret);


#endif /* _NGX_CIGNA_CLIENT_SECRET_H_INCLUDED_ */
