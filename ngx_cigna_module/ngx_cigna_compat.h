
#ifndef _NGX_CIGNA_COMPAT_H_INCLUDED_
#define _NGX_CIGNA_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* the only file that asks which nginx it is built for */

#if (nginx_version < 1022001)
#error "ngx_cigna_module needs nginx 1.22.1 or newer"
#endif

#if !(NGX_HTTP_SSL)
#error "ngx_cigna_module needs nginx configured --with-http_ssl_module"
#endif


#endif /* _NGX_CIGNA_COMPAT_H_INCLUDED_ */
