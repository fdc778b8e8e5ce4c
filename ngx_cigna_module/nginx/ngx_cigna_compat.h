
#ifndef _NGX_CIGNA_COMPAT_H_INCLUDED_
#define _NGX_CIGNA_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * the only file that tells nginx and its forks apart, by what "config" has
 * found out
 */

#if !(NGX_HTTP_SSL)
#error "ngx_cigna_module needs nginx configured --with-http_ssl_module"
#endif


/* trailers are thrown away */

#if (NGX_CIGNA_CHUNKED_TRAILERS)
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c, 0)
#else
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c)
#endif


/* "resolver off" has no servers; Angie has a list of them */

#if (NGX_CIGNA_RESOLVER_ARRAY)
#define ngx_cigna_resolver_on(resolver)  ((resolver)->connections.nelts != 0)
#else
#define ngx_cigna_resolver_on(resolver)  ((resolver)->connections != NULL)
#endif


#endif /* _NGX_CIGNA_COMPAT_H_INCLUDED_ */
