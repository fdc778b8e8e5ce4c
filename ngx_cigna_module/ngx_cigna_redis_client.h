
#ifndef _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"


/* what the parts of the client know of it; private to them */

struct ngx_cigna_redis_s {
    ngx_cigna_redis_shared_t      shared;
    ngx_pool_t                   *pool;

    ngx_cigna_redis_conn_t       *conns;
    ngx_uint_t                    nconns;

    ngx_queue_t                   subscribers;

    ngx_cigna_redis_connected_pt  connected;
    void                         *connected_data;

    ngx_uint_t                    origin;  /* the one that is used */
    unsigned                      down:1;  /* and this was logged */
};


#endif /* _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_ */
