
#ifndef _NGX_CIGNA_INJECT_H_INCLUDED_
#define _NGX_CIGNA_INJECT_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_public_metadata.h"


/*
 * Puts a token into what nginx's proxy is about to send, and nowhere else: the
 * request that the caller made is never edited, so that whatever it becomes
 * in another location goes without.
 */

struct ngx_cigna_inject_s {
    ngx_str_t              token;          /* borrowed */
    ngx_str_t              body;           /* of a search, once it was read */

    ngx_chain_t           *request;        /* that has passed the gate */

    /* what was there before us */
    ngx_int_t            (*reinit_request)(ngx_http_request_t *r);
    ngx_int_t            (*process_header)(ngx_http_request_t *r);
    void                 (*finalize_request)(ngx_http_request_t *r,
                                             ngx_int_t rc);

    /*
     * What becomes of a 401, in place of being passed on: called with its
     * header read, returns what process_header() is to return.
     */
    ngx_int_t            (*refused)(ngx_http_request_t *r);

    /* where "open": what is asked for, and the query of that request */
    cigna_public_metadata_e  document;
    cigna_slice_t          query;

    /*
     * Before all that follows.  NGX_OK: the request is to leave; else it was
     * taken over, with the two references that are held.  NULL: it is to leave.
     */
    ngx_int_t            (*answer)(ngx_http_request_t *r);

    /*
     * Before an upstream request that may leave is started.  NGX_OK: it may be;
     * else the request was taken over, with the two references that are held.
     * NULL: always.
     */
    ngx_int_t            (*admit)(ngx_http_request_t *r);

    /* nginx tries the next upstream server, or a reply's header was read; set
       if "admit" is */
    void                 (*attempt)(ngx_http_request_t *r);
    void                 (*answered)(ngx_http_request_t *r);

    unsigned               decided:1;      /* in precontent: it may leave */
    unsigned               replayed:1;     /* see ngx_cigna_replay.c */
    unsigned               open:1;         /* no token, see
                                              ngx_cigna_public_metadata.h */
    unsigned               waited:1;       /* for a document */
    unsigned               search:1;       /* by POST, see ngx_cigna_search.h */
};


/*
 * Has the location's content handler carry the token, which is borrowed and
 * must live as long as the request.
 */
void ngx_cigna_inject(ngx_cigna_inject_t *inject, ngx_str_t *token);

/*
 * The content handler of a location with "cigna_fhir on": it is the only one
 * that nginx knows there, and calls the location's own, lcf->content.
 */
ngx_int_t ngx_cigna_inject_handler(ngx_http_request_t *r);

/*
 * Proxies the request once more, with what ctx->inject->token is then; the
 * upstream request before was finalized.  Takes a reference of the request.
 */
void ngx_cigna_inject_again(ngx_http_request_t *r);

/*
 * Goes on where "admit" had the request wait, and asks it again.  Takes the two
 * references that were held then.
 */
void ngx_cigna_inject_go(ngx_http_request_t *r);

/*
 * The name that nginx will hold the server's certificate against, or would.
 * Once the upstream request was made; NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_inject_name(ngx_http_request_t *r, ngx_str_t *name);

/* in postconfiguration */
ngx_int_t ngx_cigna_inject_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_INJECT_H_INCLUDED_ */
