
#ifndef _NGX_CIGNA_SEARCH_H_INCLUDED_
#define _NGX_CIGNA_SEARCH_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * A search by "POST <type>/_search".  The gateway sends it to the FHIR server
 * as the GET with the same meaning (FHIR R4, http.html#search).
 */



/*
 * Checks a request with a method other than GET and HEAD, in the precontent
 * phase.  Returns ngx_cigna_condition_served if the request is a search by
 * POST, and otherwise the condition of the refusal.
 */
ngx_cigna_condition_e ngx_cigna_search_check(ngx_http_request_t *r);

/*
 * Reads the body into memory, and then calls "next", as
 * ngx_http_read_client_request_body() does.  "next" holds one reference to the
 * request.  Refuses a body of more than NGX_CIGNA_SEARCH_MAX bytes.  Returns
 * the result of a content handler.
 */
ngx_int_t ngx_cigna_search_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt next);

/* returns the complete body, borrowed from the request */
cigna_slice_t ngx_cigna_search_body(const ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_SEARCH_H_INCLUDED_ */
