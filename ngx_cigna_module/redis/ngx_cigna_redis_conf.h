
#ifndef _NGX_CIGNA_REDIS_CONF_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CONF_H_INCLUDED_


#include "net/ngx_cigna_origin.h"
#include "vault/cigna_vault_names.h"


/* The settings of the Redis client.  They live as long as nginx's cycle. */

typedef enum {
    ngx_cigna_redis_mode_standalone = 0,   /* the seeds are one server, which
                                              may have several addresses */
    ngx_cigna_redis_mode_sentinel,         /* the seeds are Sentinels */
    ngx_cigna_redis_mode_cluster           /* the seeds are servers of a Redis
                                              Cluster */
} ngx_cigna_redis_mode_e;


typedef struct {
    ngx_str_t                username;     /* empty: none */
    ngx_str_t                password;     /* empty: none */
} ngx_cigna_redis_login_t;


typedef struct {
    ngx_cigna_redis_mode_e   mode;

    ngx_cigna_origin_t      *origins;      /* the seeds: configured servers */
    ngx_uint_t               norigins;
    ngx_str_t                tls_name;     /* name in all servers' certificates;
                                              empty: each server's host */
    ngx_cigna_redis_login_t  login;
    ngx_cigna_redis_login_t  sentinel_login;
    ngx_str_t                sentinel_master;

    ngx_uint_t               db;
    ngx_uint_t               connections;  /* per worker and server */
    ngx_msec_t               connect_timeout; /* name look-up, TLS and handshake
                                                 included */
    ngx_msec_t               timeout;      /* of one command */

    ngx_uint_t               wait_replicas;   /* replicas that must have the
                                                 write of a durable command;
                                                 0: none */
    ngx_msec_t               wait_timeout;

    const cigna_vault_t     *vault;        /* Redis must have the marker of this
                                              vault, see cigna_marker.h */
} ngx_cigna_redis_conf_t;


#endif /* _NGX_CIGNA_REDIS_CONF_H_INCLUDED_ */
