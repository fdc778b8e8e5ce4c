
#ifndef _NGX_CIGNA_REDIS_OUT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_OUT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "base/cigna_slice.h"


/* Bytes to be sent to Redis.  The buffer grows, and is wiped when sent. */

typedef struct {
    u_char  *start;
    u_char  *pos;                          /* sent up to here */
    u_char  *last;
    u_char  *end;
} ngx_cigna_redis_out_t;


/* NGX_ERROR: no memory, or bad arguments; appends nothing then */
ngx_int_t ngx_cigna_redis_out_append(ngx_cigna_redis_out_t *out,
    const cigna_slice_t *argv, ngx_uint_t argc);
ngx_int_t ngx_cigna_redis_out_add(ngx_cigna_redis_out_t *out,
    const u_char *bytes, size_t len);

/* n bytes from pos on were sent */
void ngx_cigna_redis_out_skip(ngx_cigna_redis_out_t *out, size_t n);

void ngx_cigna_redis_out_free(ngx_cigna_redis_out_t *out);


#endif /* _NGX_CIGNA_REDIS_OUT_H_INCLUDED_ */
