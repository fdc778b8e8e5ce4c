
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


/* trailers are thrown away */

#if (nginx_version < 1027002)
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c)
#else
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c, 0)
#endif


#endif /* _NGX_CIGNA_COMPAT_H_INCLUDED_ */
