
#ifndef _NGX_CIGNA_COMPAT_H_INCLUDED_
#define _NGX_CIGNA_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * The only file that tells nginx and its forks apart.  The macros below are set
 * by the tests in "config".
 */

#if !(NGX_HTTP_SSL)
#error "ngx_cigna_module needs nginx configured --with-http_ssl_module"
#endif


/* 0: trailers are discarded */

#if (NGX_CIGNA_CHUNKED_TRAILERS)
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c, 0)
#else
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c)
#endif


/* whether it has servers: "resolver off" has none */

#if (NGX_CIGNA_RESOLVER_ARRAY)
#define ngx_cigna_resolver_on(resolver)  ((resolver)->connections.nelts != 0)
#else
#define ngx_cigna_resolver_on(resolver)  ((resolver)->connections != NULL)
#endif


#endif /* _NGX_CIGNA_COMPAT_H_INCLUDED_ */
