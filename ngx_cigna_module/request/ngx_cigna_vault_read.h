
#ifndef _NGX_CIGNA_VAULT_READ_H_INCLUDED_
#define _NGX_CIGNA_VAULT_READ_H_INCLUDED_


#include "ngx_cigna_condition.h"
#include "ngx_cigna_wait.h"


/*
 * One look into the vault on behalf of a request: a single command, no flow.
 */


/* in init_process; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_vault_read_init(ngx_cigna_worker_t *worker);

/* sends the command and waits with ctx->wait; as ngx_cigna_wait_redis() */
ngx_int_t ngx_cigna_vault_read_start(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_http_event_handler_pt resume);

/*
 * What the reply says, or what the node's journal has that is newer.
 * ngx_cigna_condition_served: *grant may be used as long as its access token lives, or be
 * refreshed; one that is marked spent may only be refreshed.  Its slices lie in
 * memory of the worker's, which the caller gives back with
 * ngx_cigna_vault_read_done() before anything else happens.
 */
ngx_cigna_condition_e ngx_cigna_vault_read_grant(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_grant_t *grant);

/*
 * 1 if what was just read has a write-ahead mark: a refresh is under way, or
 * nobody knows what became of one.
 */
ngx_uint_t ngx_cigna_vault_read_marked(ngx_cigna_ctx_t *ctx);

/* wipes the grant and frees the reply; idempotent */
void ngx_cigna_vault_read_done(ngx_cigna_ctx_t *ctx, cigna_grant_t *grant);


#endif /* _NGX_CIGNA_VAULT_READ_H_INCLUDED_ */
