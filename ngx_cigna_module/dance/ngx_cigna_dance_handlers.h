
#ifndef _NGX_CIGNA_DANCE_HANDLERS_H_INCLUDED_
#define _NGX_CIGNA_DANCE_HANDLERS_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"


/* content handlers of cigna_connect, cigna_callback and so on */

ngx_int_t ngx_cigna_connect_handler(ngx_http_request_t *r);
ngx_int_t ngx_cigna_callback_handler(ngx_http_request_t *r);
ngx_int_t ngx_cigna_status_handler(ngx_http_request_t *r);
ngx_int_t ngx_cigna_disconnect_handler(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_DANCE_HANDLERS_H_INCLUDED_ */
