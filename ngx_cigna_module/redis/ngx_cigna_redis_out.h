
#ifndef _NGX_CIGNA_REDIS_OUT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_OUT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Bytes to be sent to Redis.  The buffer grows, and is wiped when sent. */

typedef struct {
    u_char  *start;
    u_char  *pos;                          /* the first byte not sent yet */
    u_char  *last;
    u_char  *end;
} ngx_cigna_redis_out_t;


/*
 * Makes room for len bytes at out->last.  NGX_ERROR: no memory, or too many
 * bytes.
 */
ngx_int_t ngx_cigna_redis_out_reserve(ngx_cigna_redis_out_t *out, size_t len);

/* notes that n bytes from pos on were sent */
void ngx_cigna_redis_out_skip(ngx_cigna_redis_out_t *out, size_t n);

void ngx_cigna_redis_out_free(ngx_cigna_redis_out_t *out);


#endif /* _NGX_CIGNA_REDIS_OUT_H_INCLUDED_ */
