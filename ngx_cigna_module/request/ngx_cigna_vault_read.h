
#ifndef _NGX_CIGNA_VAULT_READ_H_INCLUDED_
#define _NGX_CIGNA_VAULT_READ_H_INCLUDED_


#include "ngx_cigna_wait.h"


/* Reads a request's grant from the vault, with one Redis command. */


/* called in init_process; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_vault_read_init(ngx_cigna_worker_t *worker);

/* sends the command and waits; returns what ngx_cigna_wait_redis() returns */
ngx_int_t ngx_cigna_vault_read_start(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_http_event_handler_pt resume);

/*
 * Opens the grant in the reply, or a newer one from the node's journal.
 *
 * ngx_cigna_condition_served: the caller may use *grant until its access token
 * expires, or may refresh it.  A grant in state cigna_grant_spent gets this
 * result only if the refusal that ended it is in doubt (see cigna_verdict.h):
 * then the caller may refresh it, but must not use its token.
 *
 * The slices of *grant point into memory of the worker.  The caller must free
 * that memory with ngx_cigna_vault_read_done() before it returns to the event
 * loop.
 */
ngx_cigna_condition_e ngx_cigna_vault_read_grant(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_grant_t *grant);

/*
 * Returns 1 if the record has a write-ahead mark: a refresh is under way, or
 * its outcome is unknown.  Returns 0 if the grant came from the journal.
 */
ngx_uint_t ngx_cigna_vault_read_marked(ngx_cigna_ctx_t *ctx);

/* wipes the grant and frees the reply; may be called twice */
void ngx_cigna_vault_read_done(ngx_cigna_ctx_t *ctx, cigna_grant_t *grant);


#endif /* _NGX_CIGNA_VAULT_READ_H_INCLUDED_ */
