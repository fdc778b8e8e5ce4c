
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


/*
 * Makes h what nginx takes for the reply's Cache-Control: "expires" then
 * writes into it, wherever it is.  cell is memory that lives as long as h.
 */

#if (nginx_version < 1023000)

#define ngx_cigna_set_cache_control(r, h, cell)                               \
    (*(cell) = (h),                                                           \
     (r)->headers_out.cache_control.elts = (cell),                            \
     (r)->headers_out.cache_control.nelts = 1,                                \
     (r)->headers_out.cache_control.nalloc = 1,                               \
     (r)->headers_out.cache_control.size = sizeof(ngx_table_elt_t *),         \
     (r)->headers_out.cache_control.pool = (r)->pool)

#else

#define ngx_cigna_set_cache_control(r, h, cell)                               \
    (*(cell) = (h), (r)->headers_out.cache_control = *(cell))

#endif


#endif /* _NGX_CIGNA_COMPAT_H_INCLUDED_ */
