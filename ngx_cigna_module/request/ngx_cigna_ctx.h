
#ifndef _NGX_CIGNA_CTX_H_INCLUDED_
#define _NGX_CIGNA_CTX_H_INCLUDED_


#include "ngx_cigna_condition.h"
#include "gateway/ngx_cigna_conf.h"
#include "vault/cigna_vault_names.h"
#include "vault/cigna_grant.h"


/*
 * What the module knows of one request in one location: nginx forgets it when
 * the request is redirected internally.  Fields are set by who finds them out
 * and only read by the others.
 */


/* where a token was found */

typedef enum {
    ngx_cigna_source_none = 0,
    ngx_cigna_source_cache,
    ngx_cigna_source_vault,
    ngx_cigna_source_refresh
} ngx_cigna_source_e;


typedef struct ngx_cigna_wait_s    ngx_cigna_wait_t;
typedef struct ngx_cigna_token_s   ngx_cigna_token_t;
typedef struct ngx_cigna_inject_s  ngx_cigna_inject_t;
typedef struct ngx_cigna_budget_gate_s   ngx_cigna_budget_gate_t;
typedef struct ngx_cigna_rewrite_s ngx_cigna_rewrite_t;
typedef struct ngx_cigna_errors_s  ngx_cigna_errors_t;
typedef struct ngx_cigna_search_s  ngx_cigna_search_t;


/* see ngx_cigna_trace.h; empty: not found out yet */

typedef struct {
    ngx_str_t             request_id;
    ngx_str_t             parent;
    unsigned              state:1;         /* the caller's tracestate goes on */
} ngx_cigna_trace_t;


typedef struct {
    /* identity */
    ngx_cigna_tenant_t    *tenant;
    ngx_str_t              member;
    cigna_vault_names_t   *identity;        /* NULL: not worked out yet */

    /* while it waits */
    ngx_cigna_wait_t     *wait;

    /* how it ended, for the log and for variables; names are constants */
    ngx_cigna_source_e    source;
    ngx_str_t             outcome;
    ngx_str_t             dance;

    /* of the grant, any bytes: variables tell what a header could have */
    ngx_str_t             patient;
    ngx_str_t             scope;
    ngx_str_t             userinfo;

    /* said beside what the table of conditions says; usually empty */
    const char           *issue;           /* code of a FHIR issue, or NULL */
    ngx_str_t             about;           /* a sentence; no escapes in JSON */

    unsigned              preflight:1;     /* the reply is that of CORS */

    /* of "cigna_fhir on" */
    ngx_cigna_token_t        *token;
    ngx_cigna_inject_t       *inject;
    ngx_cigna_budget_gate_t  *admit;           /* NULL: no budgets */
    ngx_cigna_rewrite_t      *rewrite;         /* NULL: links stay */
    ngx_cigna_errors_t       *errors;          /* NULL: the reply is no error */
    ngx_cigna_search_t       *search;          /* NULL: not one by POST */
    ngx_cigna_trace_t         trace;

    /* of a callback: its query, which is scrubbed in the request itself */
    ngx_str_t             query;
} ngx_cigna_ctx_t;


/* made at first use; NULL if there is no memory */
ngx_cigna_ctx_t *ngx_cigna_ctx(ngx_http_request_t *r);

/*
 * How the content handlers of cigna_connect and its like begin: no subrequest
 * comes here, and a body is thrown away.  NGX_OK, or the status to end with.
 */
ngx_int_t ngx_cigna_ctx_begin(ngx_http_request_t *r, ngx_cigna_ctx_t **ctx);

/*
 * What ties log lines together, borrowed: $request_id, or for a FHIR request
 * the X-Request-Id that the caller has given it.
 */
ngx_str_t *ngx_cigna_request_id(ngx_http_request_t *r);

/*
 * The value of the next line with this name, in either case, in a list of
 * ngx_table_elt_t: borrowed, NULL if there is none (any more).  *from is to be
 * zero at first.
 */
ngx_str_t *ngx_cigna_header_line(ngx_list_t *headers, const char *name,
    ngx_uint_t *from);

/* likewise, in the request's header */
ngx_str_t *ngx_cigna_request_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *from);

/*
 * Tells the variables what the grant is for.  The strings are borrowed, and
 * live as long as the request; ngx_cigna_ctx_grant() copies.
 */
void ngx_cigna_ctx_about(ngx_cigna_ctx_t *ctx, ngx_str_t *patient,
    ngx_str_t *scope, ngx_str_t *userinfo);
ngx_int_t ngx_cigna_ctx_grant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant);


#endif /* _NGX_CIGNA_CTX_H_INCLUDED_ */
