
#ifndef _NGX_CIGNA_RESEALER_H_INCLUDED_
#define _NGX_CIGNA_RESEALER_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * After a rotation of keys: grants that are used are put under the first key of
 * the ring, in the background.
 */


/*
 * Looks at the reply to a read, and starts a run if the grant in it is under
 * another key than the first.  Nobody hears of it: it is done by somebody else,
 * or next time, if too many are under way.  request: $request_id of who reads,
 * may be NULL.
 */
void ngx_cigna_resealer_look(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const cigna_reply_t *reply, ngx_str_t *request);


#endif /* _NGX_CIGNA_RESEALER_H_INCLUDED_ */
