
#ifndef _NGX_CIGNA_CTX_H_INCLUDED_
#define _NGX_CIGNA_CTX_H_INCLUDED_


#include "ngx_cigna_condition.h"
#include "gateway/ngx_cigna_conf.h"
#include "vault/cigna_grant.h"
#include "vault/cigna_vault_names.h"


/*
 * All that the module knows of one request in one location.  nginx forgets it
 * when the request is redirected internally.  One file sets each field, the one
 * that finds it out; all others only read it.
 */


/* where a token was found */

typedef enum {
    ngx_cigna_source_none = 0,
    ngx_cigna_source_cache,
    ngx_cigna_source_vault,
    ngx_cigna_source_refresh
} ngx_cigna_source_e;


typedef struct ngx_cigna_wait_s         ngx_cigna_wait_t;
typedef struct ngx_cigna_token_s        ngx_cigna_token_t;
typedef struct ngx_cigna_inject_s       ngx_cigna_inject_t;
typedef struct ngx_cigna_budget_gate_s  ngx_cigna_budget_gate_t;
typedef struct ngx_cigna_rewrite_s      ngx_cigna_rewrite_t;
typedef struct ngx_cigna_errors_s       ngx_cigna_errors_t;
typedef struct ngx_cigna_search_s       ngx_cigna_search_t;


/* see ngx_cigna_trace.h */

typedef struct {
    ngx_str_t                 request_id;  /* empty: not found out yet */
    unsigned                  parent:1;    /* the caller's is valid */
    unsigned                  state:1;     /* likewise */
} ngx_cigna_trace_t;


typedef struct {
    /* identity */
    ngx_cigna_tenant_t       *tenant;
    ngx_str_t                 member;
    cigna_vault_names_t      *names;       /* NULL: not worked out yet */

    /* while it waits */
    ngx_cigna_wait_t         *wait;

    /* how it ended, for the log and for variables; names are constants */
    ngx_cigna_source_e        source;
    ngx_str_t                 outcome;
    ngx_str_t                 dance;

    /* of the grant, for variables: any bytes, as peers have sent them */
    ngx_str_t                 patient;
    ngx_str_t                 scope;
    ngx_str_t                 userinfo;

    /* replies have these beside the row of their condition; usually empty */
    const char               *issue;       /* code of a FHIR issue, or NULL */
    ngx_str_t                 about;       /* a sentence that needs no escapes
                                              in JSON */

    /* of "cigna_fhir on" */
    ngx_cigna_token_t        *token;
    ngx_cigna_inject_t       *inject;
    ngx_cigna_budget_gate_t  *budget_gate; /* NULL: no budgets, or not asked */
    ngx_cigna_rewrite_t      *rewrite;     /* NULL: links stay */
    ngx_cigna_errors_t       *errors;      /* NULL: the reply passes */
    ngx_cigna_search_t       *search;      /* its body, once it is read */
    ngx_cigna_trace_t         trace;

    unsigned                  preflight:1;        /* the reply is CORS's */
    unsigned                  may_leave:1;        /* precontent has said so */
    unsigned                  public_metadata:1;  /* leaves without a token */
    unsigned                  metadata_waited:1;  /* for the document */
    unsigned                  search_by_post:1;   /* leaves as a GET */
    unsigned                  replayed:1;         /* with another token, after
                                                     a 401 */

    /* of a callback: its query, which is overwritten in the request itself */
    ngx_str_t                 query;
} ngx_cigna_ctx_t;


/* the request's context, made at first use; NULL if there is no memory */
ngx_cigna_ctx_t *ngx_cigna_ctx(ngx_http_request_t *r);

/*
 * Begins a content handler of cigna_connect and its like: refuses subrequests
 * and throws the body away.  NGX_OK, or the status to end with.
 */
ngx_int_t ngx_cigna_ctx_begin(ngx_http_request_t *r, ngx_cigna_ctx_t **ctx);

/*
 * The id that ties log lines together, borrowed: $request_id, or the valid
 * X-Request-Id that the caller of a FHIR request has sent.
 */
ngx_str_t *ngx_cigna_request_id(ngx_http_request_t *r);

/*
 * The value of the next line with this name, in upper or lower case,
 * in a list of ngx_table_elt_t: borrowed, NULL if there is none left.  *from
 * must be zero at first.
 */
ngx_str_t *ngx_cigna_header_line(ngx_list_t *headers, const char *name,
    ngx_uint_t *from);

/* likewise, in the request's header */
ngx_str_t *ngx_cigna_request_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *from);

/*
 * Sets what variables tell of the grant.  ngx_cigna_ctx_about() borrows the
 * strings, which must live as long as the request; ngx_cigna_ctx_grant()
 * copies them, and may fail with NGX_ERROR.
 */
void ngx_cigna_ctx_about(ngx_cigna_ctx_t *ctx, ngx_str_t *patient,
    ngx_str_t *scope, ngx_str_t *userinfo);
ngx_int_t ngx_cigna_ctx_grant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant);


#endif /* _NGX_CIGNA_CTX_H_INCLUDED_ */
