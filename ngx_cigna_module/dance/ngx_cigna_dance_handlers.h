
#ifndef _NGX_CIGNA_DANCE_HANDLERS_H_INCLUDED_
#define _NGX_CIGNA_DANCE_HANDLERS_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"


/* content handlers of the module's own endpoints, except cigna_counters */

ngx_int_t ngx_cigna_connect_handler(ngx_http_request_t *r);
ngx_int_t ngx_cigna_callback_handler(ngx_http_request_t *r);
ngx_int_t ngx_cigna_status_handler(ngx_http_request_t *r);
ngx_int_t ngx_cigna_disconnect_handler(ngx_http_request_t *r);


/*
 * Ends a callback that nginx refused, because an access check did not get an
 * answer from the app: logs and counts the outcome, and makes the page.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_callback_unreachable(ngx_http_request_t *r,
    ngx_str_t *body);


#endif /* _NGX_CIGNA_DANCE_HANDLERS_H_INCLUDED_ */
