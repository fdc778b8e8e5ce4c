
#ifndef _NGX_CIGNA_CONF_H_INCLUDED_
#define _NGX_CIGNA_CONF_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"

#include "base/cigna_slice.h"


/*
 * The names of the configuration's types.  Each type has a header of its own,
 * for the files that look inside.
 */

typedef struct ngx_cigna_main_conf_s  ngx_cigna_main_conf_t;
typedef struct ngx_cigna_srv_conf_s   ngx_cigna_srv_conf_t;
typedef struct ngx_cigna_loc_conf_s   ngx_cigna_loc_conf_t;
typedef struct ngx_cigna_tenant_s     ngx_cigna_tenant_t;
typedef struct ngx_cigna_shared_s     ngx_cigna_shared_t;
typedef struct ngx_cigna_worker_s     ngx_cigna_worker_t;


extern ngx_module_t  ngx_cigna_module;


/* borrows the bytes of an ngx_str_t * */

#define ngx_cigna_slice(str)                                                  \
    ((cigna_slice_t) { (const uint8_t *) (str)->data, (str)->len })


#endif /* _NGX_CIGNA_CONF_H_INCLUDED_ */
