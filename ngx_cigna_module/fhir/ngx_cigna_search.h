
#ifndef _NGX_CIGNA_SEARCH_H_INCLUDED_
#define _NGX_CIGNA_SEARCH_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * "POST <type>/_search", which leaves as the GET that it stands for: FHIR R4,
 * http.html#search.
 */



/*
 * In precontent, of a POST.  NGX_OK: it is such a search.  NGX_DECLINED: it is
 * not one, or one that is refused for *e.
 */
ngx_int_t ngx_cigna_search_asked(ngx_http_request_t *r,
    ngx_cigna_condition_e *e);

/*
 * Reads the body into memory, never into a file, and calls "next" with
 * ctx->inject->body set and a reference of the request held, as nginx's own
 * function does.  Returns what a content handler is to return.  A body of more
 * than NGX_CIGNA_SEARCH_MAX bytes is answered here.
 */
ngx_int_t ngx_cigna_search_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt next);


#endif /* _NGX_CIGNA_SEARCH_H_INCLUDED_ */
