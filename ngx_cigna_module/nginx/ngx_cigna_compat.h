
#ifndef _NGX_CIGNA_COMPAT_H_INCLUDED_
#define _NGX_CIGNA_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Differences between versions of nginx and its forks are handled here only.
 * The tests in "config" set the NGX_CIGNA_ macros below.
 */

#if !(NGX_HTTP_SSL)
#error "ngx_cigna_module needs nginx configured --with-http_ssl_module"
#endif


/* newer versions have a fourth argument; with 0 nginx discards trailers */

#if (NGX_CIGNA_CHUNKED_TRAILERS)
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c, 0)
#else
#define ngx_cigna_parse_chunked(r, b, c)  ngx_http_parse_chunked(r, b, c)
#endif


/* 1 if the resolver has name servers; after "resolver off" it has none */

#if (NGX_CIGNA_RESOLVER_ARRAY)
#define ngx_cigna_resolver_on(resolver)  ((resolver)->connections.nelts != 0)
#else
#define ngx_cigna_resolver_on(resolver)  ((resolver)->connections != NULL)
#endif


#endif /* _NGX_CIGNA_COMPAT_H_INCLUDED_ */
