
#ifndef _NGX_CIGNA_CLIENT_SECRET_H_INCLUDED_
#define _NGX_CIGNA_CLIENT_SECRET_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "oauth/cigna_client_secret.h"


/*
 * To be called after Cigna has accepted one of the tenant's two client secrets:
 * counts uses of the older one, and logs which one works if that has changed.
 */
void ngx_cigna_client_secret_worked(ngx_cigna_run_t *run,
    const cigna_client_secret_t *secret);


#endif /* _NGX_CIGNA_CLIENT_SECRET_H_INCLUDED_ */
