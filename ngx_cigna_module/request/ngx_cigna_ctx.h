
#ifndef _NGX_CIGNA_CTX_H_INCLUDED_
#define _NGX_CIGNA_CTX_H_INCLUDED_


#include "ngx_cigna_condition.h"
#include "ngx_cigna_header.h"
#include "vault/cigna_grant.h"
#include "vault/cigna_vault_names.h"


/*
 * The module's context of one request.  nginx clears the context at an internal
 * redirect.
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
    ngx_str_t                 request_id;  /* empty: not known yet */
    unsigned                  parent:1;    /* the caller's traceparent is
                                              valid */
    unsigned                  state:1;     /* the caller's tracestate is valid,
                                              too */
} ngx_cigna_trace_t;


typedef struct {
    ngx_cigna_main_conf_t    *mcf;

    /* identity */
    ngx_cigna_tenant_t       *tenant;
    ngx_str_t                 member;
    cigna_vault_names_t      *names;       /* NULL: not computed yet */

    /* while the request waits */
    ngx_cigna_wait_t         *wait;

    /* for the log and for variables; names of outcomes are static strings */
    ngx_cigna_source_e        source;
    ngx_str_t                 outcome;
    ngx_str_t                 dance;

    /*
     * facts about the grant, for variables; Cigna may have sent any byte in
     * them
     */
    ngx_str_t                 patient;
    ngx_str_t                 scope;
    ngx_str_t                 userinfo;

    /* for a reply about a condition, see ngx_cigna_condition.c */
    const char               *issue;       /* replaces the code of the issue in
                                              the condition's row; or NULL */
    ngx_str_t                 about;       /* a sentence after the row's text,
                                              which needs no JSON escapes; or
                                              empty */

    /* only in locations with "cigna_fhir on" */
    ngx_cigna_token_t        *token;
    ngx_cigna_inject_t       *inject;
    ngx_cigna_budget_gate_t  *budget_gate; /* NULL: no budget was asked */
    ngx_cigna_rewrite_t      *rewrite;     /* NULL: links stay */
    ngx_cigna_errors_t       *errors;      /* NULL: the reply passes */
    ngx_cigna_search_t       *search;      /* the body of a search by POST */
    ngx_cigna_trace_t         trace;

    unsigned                  preflight:1;        /* a preflight of CORS */
    unsigned                  may_leave:1;        /* the precontent handler has
                                                     let the request pass */
    unsigned                  public_metadata:1;  /* the request is for public
                                                     metadata, without token */
    unsigned                  metadata_waited:1;  /* the request has waited for
                                                     a metadata document */
    unsigned                  search_by_post:1;   /* the request leaves as a
                                                     GET */
    unsigned                  replayed:1;         /* after a 401, the request is
                                                     sent again, with another
                                                     token */

    unsigned                  begun:1;     /* the callback's content handler was
                                              called */

    /* a copy of a callback's query: the request's own query is overwritten */
    ngx_str_t                 query;
} ngx_cigna_ctx_t;


/* the request's context, made at first use; NULL if there is no memory */
ngx_cigna_ctx_t *ngx_cigna_ctx(ngx_http_request_t *r);

/*
 * Every content handler of this module's own endpoints calls this first.
 * Refuses subrequests and discards the request body.  Returns NGX_OK, or the
 * status that the content handler must return.
 */
ngx_int_t ngx_cigna_ctx_begin(ngx_http_request_t *r, ngx_cigna_ctx_t **ctx);

/*
 * Returns the id by which log lines of one request can be matched: $request_id,
 * or the valid X-Request-Id that the caller of a FHIR request has sent.  The
 * request owns the string.
 */
ngx_str_t *ngx_cigna_request_id(ngx_http_request_t *r);

/*
 * Both set the values of the variables about the grant.  ngx_cigna_ctx_about()
 * keeps the pointers, so the strings must live as long as the request.
 * ngx_cigna_ctx_grant() copies the strings; NGX_ERROR if there is no memory.
 */
void ngx_cigna_ctx_about(ngx_cigna_ctx_t *ctx, ngx_str_t *patient,
    ngx_str_t *scope, ngx_str_t *userinfo);
ngx_int_t ngx_cigna_ctx_grant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant);


#endif /* _NGX_CIGNA_CTX_H_INCLUDED_ */
