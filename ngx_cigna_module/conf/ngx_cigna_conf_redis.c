
#include "ngx_cigna_conf_redis.h"
#include "nginx/ngx_cigna_block.h"
#include "nginx/ngx_cigna_secret_file.h"
#include "gateway/ngx_cigna_conf.h"
#include "ngx_cigna_conf_origin.h"
#include "redis/cigna_redis.h"


#define NGX_CIGNA_SENTINEL_PORT  26379


static ngx_int_t ngx_cigna_conf_redis_login(ngx_conf_t *cf,
    const char *prefix, ngx_str_t *username, ngx_str_t *username_file,
    ngx_str_t *password_file, ngx_cigna_redis_login_t *login);
static ngx_int_t ngx_cigna_conf_redis_mode(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_cigna_redis_conf_t *redis);
static ngx_int_t ngx_cigna_conf_redis_sentinel(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o);
static ngx_int_t ngx_cigna_conf_redis_seeds(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_cigna_redis_conf_t *redis);
static ngx_int_t ngx_cigna_conf_redis_url(ngx_conf_t *cf,
    ngx_cigna_redis_conf_t *redis, ngx_str_t *text, cigna_redis_url_t *url);
static ngx_int_t ngx_cigna_conf_redis_seed(ngx_conf_t *cf,
    ngx_cigna_redis_conf_t *redis, ngx_str_t *text,
    cigna_redis_url_t *first, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_conf_redis_origin(ngx_conf_t *cf,
    cigna_redis_url_t *url, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_conf_redis_ssl(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_uint_t tls, ngx_ssl_t **ssl);


ngx_int_t
ngx_cigna_conf_redis(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_redis_conf_t *redis)
{
    if (ngx_cigna_conf_redis_login(cf, "", &o->username, &o->username_file,
                                   &o->password_file, &redis->login)
        != NGX_OK
        || ngx_cigna_conf_redis_login(cf, "sentinel_", &o->sentinel_username,
                                      &o->sentinel_username_file,
                                      &o->sentinel_password_file,
                                      &redis->sentinel_login)
           != NGX_OK
        || ngx_cigna_conf_redis_mode(cf, o, redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_conf_redis_seeds(cf, o, redis);
}


/*
 * fills in *login; prefix: the first part of the directives' names, "" or
 * "sentinel_"
 */

static ngx_int_t
ngx_cigna_conf_redis_login(ngx_conf_t *cf, const char *prefix,
    ngx_str_t *username, ngx_str_t *username_file, ngx_str_t *password_file,
    ngx_cigna_redis_login_t *login)
{
    login->username = *username;

    if (username->len && username_file->len) {
        return ngx_cigna_conf_error(cf,
            "both \"%susername\" and \"%susername_file\" in \"cigna_vault\", "
            "write one of them", prefix, prefix);
    }

    if ((username->len || username_file->len) && !password_file->len) {
        return ngx_cigna_conf_error(cf,
            "\"%susername\" is a user name without a password in "
            "\"cigna_vault\", write \"%spassword_file FILE;\"", prefix, prefix);
    }

    if (username_file->len
        && ngx_cigna_secret_file_line(cf, "username_file", username_file,
                                      &login->username)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (password_file->len
        && ngx_cigna_secret_file_line(cf, "password_file", password_file,
                                      &login->password)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_redis_mode(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_redis_conf_t *redis)
{
    if (o->sentinel) {
        redis->mode = ngx_cigna_redis_mode_sentinel;
        redis->sentinel_master = o->sentinel_master;

        return ngx_cigna_conf_redis_sentinel(cf, o);
    }

    if (o->sentinel_master.len || o->sentinel_username.len
        || o->sentinel_username_file.len || o->sentinel_password_file.len)
    {
        return ngx_cigna_conf_error(cf,
            "\"sentinel_...\" without a \"sentinel\" in \"cigna_vault\", write "
            "\"sentinel rediss://host:26379;\" for each of them");
    }

    if (o->redis == NULL) {
        return ngx_cigna_conf_error(cf,
            "no \"redis\" in \"cigna_vault\", write \"redis "
            "rediss://host:port/0;\" or \"redis unix:/path/to/socket;\"");
    }

    if (o->cluster) {
        redis->mode = ngx_cigna_redis_mode_cluster;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_redis_sentinel(ngx_conf_t *cf, ngx_cigna_vault_options_t *o)
{
    if (o->redis) {
        return ngx_cigna_conf_error(cf,
            "both \"redis\" and \"sentinel\" in \"cigna_vault\", remove "
            "\"redis\": the Sentinels tell where it is");
    }

    if (o->cluster) {
        return ngx_cigna_conf_error(cf,
            "both \"cluster\" and \"sentinel\" in \"cigna_vault\", a cluster "
            "has no Sentinels: write \"redis\" for each of its seeds");
    }

    if (o->sentinel_master.len == 0) {
        return ngx_cigna_conf_error(cf,
            "no \"sentinel_master\" in \"cigna_vault\", write "
            "\"sentinel_master NAME;\" with the name that the Sentinels have "
            "for the primary");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_redis_seeds(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_redis_conf_t *redis)
{
    ngx_str_t           *text;
    ngx_ssl_t           *ssl;
    ngx_uint_t           i;
    ngx_array_t         *seeds;
    cigna_redis_url_t    first;
    ngx_cigna_origin_t  *origin;

    seeds = o->sentinel ? o->sentinel : o->redis;
    text = seeds->elts;

    origin = ngx_pcalloc(cf->pool, seeds->nelts * sizeof(ngx_cigna_origin_t));
    if (origin == NULL
        || ngx_cigna_conf_redis_url(cf, redis, &text[0], &first) != NGX_OK
        || ngx_cigna_conf_redis_ssl(cf, o, first.tls, &ssl) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < seeds->nelts; i++) {

        origin[i].ssl = ssl;
        origin[i].tls_name = o->tls_name;

        if (ngx_cigna_conf_redis_seed(cf, redis, &text[i], &first, &origin[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    redis->origins = origin;
    redis->norigins = seeds->nelts;
    redis->tls_name = o->tls_name;
    redis->db = first.db;

    return NGX_OK;
}


#define ngx_cigna_conf_redis_seed_name(redis)                                 \
    (((redis)->mode == ngx_cigna_redis_mode_sentinel) ? "sentinel" : "redis")


static ngx_int_t
ngx_cigna_conf_redis_url(ngx_conf_t *cf, ngx_cigna_redis_conf_t *redis,
    ngx_str_t *text, cigna_redis_url_t *url)
{
    const char  *error;

    if (cigna_redis_url_parse(ngx_cigna_slice(text), url, &error)
        != CIGNA_OK)
    {
        /* error is set */

    } else if (redis->mode != ngx_cigna_redis_mode_standalone
               && url->path.len)
    {
        error = "must not be a unix socket, since the servers tell of each "
                "other by host and port";

    } else if (redis->mode == ngx_cigna_redis_mode_cluster && url->db) {
        error = "has a database number, and a cluster has none but 0";

    } else {

        if (redis->mode == ngx_cigna_redis_mode_sentinel && !url->port_given) {
            url->port = NGX_CIGNA_SENTINEL_PORT;
        }

        return NGX_OK;
    }

    return ngx_cigna_conf_error(cf,
        "\"%s\" \"%V\" %s", ngx_cigna_conf_redis_seed_name(redis), text, error);
}


static ngx_int_t
ngx_cigna_conf_redis_seed(ngx_conf_t *cf, ngx_cigna_redis_conf_t *redis,
    ngx_str_t *text, cigna_redis_url_t *first, ngx_cigna_origin_t *origin)
{
    cigna_redis_url_t  url;

    if (ngx_cigna_conf_redis_url(cf, redis, text, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    if (url.db != first->db || url.tls != first->tls) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" \"%V\" is a seed of the same Redis as the first one, write "
            "the same scheme and database number",
            ngx_cigna_conf_redis_seed_name(redis), text);
    }

    return ngx_cigna_conf_redis_origin(cf, &url, origin);
}


static ngx_int_t
ngx_cigna_conf_redis_origin(ngx_conf_t *cf, cigna_redis_url_t *url,
    ngx_cigna_origin_t *origin)
{
    u_char  *p;

    origin->port = url->port;

    if (url->path.len == 0) {
        return ngx_cigna_conf_host(cf, origin, url->host);
    }

    p = ngx_pnalloc(cf->pool, sizeof("unix:") - 1 + url->path.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    origin->host.data = p;
    origin->host.len = ngx_sprintf(p, "unix:%*s", url->path.len,
                                   url->path.data)
                       - p;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_redis_ssl(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_uint_t tls, ngx_ssl_t **ssl)
{
    *ssl = NULL;

    if (tls) {
        *ssl = ngx_cigna_tls_create(cf, &o->trusted_certificate);

        return *ssl ? NGX_OK : NGX_ERROR;
    }

    if (o->trusted_certificate.len || o->tls_name.len) {
        return ngx_cigna_conf_error(cf,
            "\"trusted_certificate\" and \"tls_name\" in \"cigna_vault\" need "
            "TLS, write \"redis rediss://...;\" or remove them");
    }

    return NGX_OK;
}
