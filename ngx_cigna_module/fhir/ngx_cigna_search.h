
#ifndef _NGX_CIGNA_SEARCH_H_INCLUDED_
#define _NGX_CIGNA_SEARCH_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * "POST <type>/_search", which leaves as the GET that it stands for (FHIR R4,
 * http.html#search).
 */



/*
 * In precontent, for any method but GET and HEAD: ngx_cigna_condition_served if
 * the request is such a search, otherwise what it is refused for.
 */
ngx_cigna_condition_e ngx_cigna_search_check(ngx_http_request_t *r);

/*
 * Reads the body into memory, never into a file, then calls "next" with a
 * reference of the request held, as nginx's own function does.  Returns what a
 * content handler returns.  A body of more than NGX_CIGNA_SEARCH_MAX bytes is
 * refused here.
 */
ngx_int_t ngx_cigna_search_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt next);

/* the body once it is read: borrowed from the request */
cigna_slice_t ngx_cigna_search_body(const ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_SEARCH_H_INCLUDED_ */
