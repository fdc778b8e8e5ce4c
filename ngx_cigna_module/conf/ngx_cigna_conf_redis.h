
#ifndef _NGX_CIGNA_CONF_REDIS_H_INCLUDED_
#define _NGX_CIGNA_CONF_REDIS_H_INCLUDED_


#include "redis/ngx_cigna_redis_conf.h"


/* directives of a block cigna_vault; most fields have a directive's name */

typedef struct {
    ngx_array_t  *redis;                   /* ngx_str_t */
    ngx_array_t  *sentinel;                /* ngx_str_t */
    ngx_str_t     sentinel_master;
    ngx_str_t     sentinel_username;
    ngx_str_t     sentinel_username_file;
    ngx_str_t     sentinel_password_file;
    ngx_flag_t    cluster;
    ngx_int_t     wait_replicas;
    ngx_msec_t    wait_timeout;
    ngx_str_t     keys;
    ngx_str_t     username;
    ngx_str_t     username_file;
    ngx_str_t     password_file;
    ngx_str_t     trusted_certificate;
    ngx_str_t     tls_name;
    ngx_str_t     prefix;
    ngx_msec_t    connect_timeout;
    ngx_msec_t    timeout;
    ngx_int_t     connections;
    ngx_msec_t    revalidate;
    ngx_msec_t    stale;
    ngx_int_t     stories;
} ngx_cigna_vault_options_t;


/*
 * Sets the servers, mode and logins of *redis.  NGX_ERROR: no memory, or after
 * logging an error.
 */
ngx_int_t ngx_cigna_conf_redis(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_redis_conf_t *redis);


#endif /* _NGX_CIGNA_CONF_REDIS_H_INCLUDED_ */
