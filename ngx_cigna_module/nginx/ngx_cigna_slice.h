
#ifndef _NGX_CIGNA_SLICE_H_INCLUDED_
#define _NGX_CIGNA_SLICE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "base/cigna_slice.h"


/* the slice of an ngx_str_t *; borrows the bytes */

#define ngx_cigna_slice(str)                                                  \
    ((cigna_slice_t) { (const uint8_t *) (str)->data, (str)->len })

/* the ngx_str_t of a slice; borrows the bytes, which nobody may change */

#define ngx_cigna_str(slice)                                                  \
    ((ngx_str_t) { (slice).len, (u_char *) (slice).data })


#endif /* _NGX_CIGNA_SLICE_H_INCLUDED_ */
