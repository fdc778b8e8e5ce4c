
#include "ngx_cigna_conf_vault.h"
#include "ngx_cigna_secret.h"


#define NGX_CIGNA_KEYS_MAX    16384        /* bytes of a key ring file */
#define NGX_CIGNA_PREFIX_MAX  32


/* fields are named as the directives */

typedef struct {
    ngx_array_t  *redis;                   /* ngx_str_t */
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
} ngx_cigna_vault_options_t;


static void ngx_cigna_conf_vault_unset(ngx_cigna_vault_options_t *o);
static ngx_int_t ngx_cigna_conf_vault_fill(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_cigna_main_conf_t *mcf);
static ngx_int_t ngx_cigna_conf_vault_prefix(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, cigna_vault_t *vault);
static ngx_int_t ngx_cigna_conf_vault_keys(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, cigna_vault_t *vault);
static void ngx_cigna_conf_vault_cleanup(void *data);
static ngx_int_t ngx_cigna_conf_vault_login(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_cigna_redis_conf_t *redis);
static ngx_int_t ngx_cigna_conf_vault_seeds(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_cigna_redis_conf_t *redis);
static ngx_int_t ngx_cigna_conf_vault_url(ngx_conf_t *cf, ngx_str_t *text,
    cigna_redis_url_t *url);
static ngx_int_t ngx_cigna_conf_vault_seed(ngx_conf_t *cf, ngx_str_t *text,
    cigna_redis_url_t *first, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_conf_vault_origin(ngx_conf_t *cf,
    cigna_redis_url_t *url, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_conf_vault_ssl(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_uint_t tls, ngx_ssl_t **ssl);


static ngx_cigna_block_bounds_t  ngx_cigna_conf_vault_timeout_ms = {
    ngx_cigna_block_check_num, 1, 60 * 1000
};

static ngx_cigna_block_bounds_t  ngx_cigna_conf_vault_age_ms = {
    ngx_cigna_block_check_num, 0, 24 * 3600 * 1000
};

static ngx_cigna_block_bounds_t  ngx_cigna_conf_vault_connections = {
    ngx_cigna_block_check_num, 1, 16
};


#define ngx_cigna_vault_option(name, set, post, usage)                        \
    ngx_cigna_block_command(ngx_cigna_vault_options_t, name, NGX_CONF_TAKE1,  \
                            set, post, usage)

#define ngx_cigna_vault_str(name, example)                                    \
    ngx_cigna_vault_option(name, ngx_conf_set_str_slot, NULL,                 \
                           "\"" #name " " example ";\"")


static ngx_cigna_block_command_t  ngx_cigna_conf_vault_commands[] = {

    ngx_cigna_vault_option(redis, ngx_conf_set_str_array_slot, NULL,
        "\"redis rediss://host:port/0;\""),

    ngx_cigna_vault_str(keys, "FILE"),
    ngx_cigna_vault_str(username, "NAME"),
    ngx_cigna_vault_str(username_file, "FILE"),
    ngx_cigna_vault_str(password_file, "FILE"),
    ngx_cigna_vault_str(trusted_certificate, "FILE"),
    ngx_cigna_vault_str(tls_name, "NAME"),
    ngx_cigna_vault_str(prefix, "cigna"),

    ngx_cigna_vault_option(connect_timeout,
        ngx_conf_set_msec_slot, &ngx_cigna_conf_vault_timeout_ms,
        "\"connect_timeout 500ms;\", from 1ms to 1m"),

    ngx_cigna_vault_option(timeout,
        ngx_conf_set_msec_slot, &ngx_cigna_conf_vault_timeout_ms,
        "\"timeout 1s;\", from 1ms to 1m"),

    ngx_cigna_vault_option(connections,
        ngx_conf_set_num_slot, &ngx_cigna_conf_vault_connections,
        "\"connections 1;\", from 1 to 16 for each worker"),

    ngx_cigna_vault_option(revalidate,
        ngx_conf_set_msec_slot, &ngx_cigna_conf_vault_age_ms,
        "\"revalidate 30s;\", from 0 to 1d"),

    ngx_cigna_vault_option(stale,
        ngx_conf_set_msec_slot, &ngx_cigna_conf_vault_age_ms,
        "\"stale 5m;\", from 0 to 1d"),

    ngx_cigna_null_block_command
};


char *
ngx_cigna_conf_vault(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    char                       *rv;
    ngx_cigna_place_t          *place;
    ngx_cigna_vault_options_t   o;

    if (mcf->vault_set) {
        return "is duplicate";
    }

    mcf->vault_set = 1;

    place = ngx_cigna_place_create(cf);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->vault_place = place;

    ngx_cigna_conf_vault_unset(&o);

    rv = ngx_cigna_block_parse(cf, "cigna_vault",
                               ngx_cigna_conf_vault_commands, &o);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ngx_cigna_place_enter(cf, place);

    if (ngx_cigna_conf_vault_fill(cf, &o, mcf) != NGX_OK) {
        rv = NGX_CONF_ERROR;
    }

    ngx_cigna_place_leave(cf, place);

    return rv;
}


static void
ngx_cigna_conf_vault_unset(ngx_cigna_vault_options_t *o)
{
    ngx_memzero(o, sizeof(ngx_cigna_vault_options_t));

    o->redis = NGX_CONF_UNSET_PTR;
    o->connect_timeout = NGX_CONF_UNSET_MSEC;
    o->timeout = NGX_CONF_UNSET_MSEC;
    o->connections = NGX_CONF_UNSET;
    o->revalidate = NGX_CONF_UNSET_MSEC;
    o->stale = NGX_CONF_UNSET_MSEC;
}


static ngx_int_t
ngx_cigna_conf_vault_fill(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_main_conf_t *mcf)
{
    ngx_conf_init_msec_value(o->connect_timeout, 500);
    ngx_conf_init_msec_value(o->timeout, 1000);
    ngx_conf_init_value(o->connections, 1);
    ngx_conf_init_msec_value(o->revalidate, 30 * 1000);
    ngx_conf_init_msec_value(o->stale, 5 * 60 * 1000);

    mcf->redis.connect_timeout = o->connect_timeout;
    mcf->redis.timeout = o->timeout;
    mcf->redis.connections = o->connections;
    mcf->revalidate = o->revalidate;
    mcf->stale = o->stale;

    if (ngx_cigna_conf_vault_prefix(cf, o, &mcf->vault) != NGX_OK
        || ngx_cigna_conf_vault_keys(cf, o, &mcf->vault) != NGX_OK
        || ngx_cigna_conf_vault_login(cf, o, &mcf->redis) != NGX_OK
        || ngx_cigna_conf_vault_seeds(cf, o, &mcf->redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* braces would move the hash tag of Redis Cluster */

static ngx_int_t
ngx_cigna_conf_vault_prefix(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    cigna_vault_t *vault)
{
    size_t  i;

    if (o->prefix.data == NULL) {
        ngx_str_set(&o->prefix, "cigna");
    }

    for (i = 0; i < o->prefix.len; i++) {

        if (!cigna_slice_alnum(o->prefix.data[i])
            && ngx_strchr("-_.:", o->prefix.data[i]) == NULL)
        {
            break;
        }
    }

    if (i != o->prefix.len || i == 0 || i > NGX_CIGNA_PREFIX_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"prefix\" is invalid in \"%V\", use at most %d "
                           "letters, digits, \"-\", \"_\", \".\" and \":\"",
                           &o->prefix, NGX_CIGNA_PREFIX_MAX);
        return NGX_ERROR;
    }

    vault->prefix = ngx_cigna_slice(&o->prefix);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_vault_keys(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    cigna_vault_t *vault)
{
    unsigned             line;
    ngx_str_t            text;
    const char          *error;
    ngx_pool_cleanup_t  *cln;

    if (o->keys.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"keys\" in \"cigna_vault\", write \"keys "
                           "FILE;\" with a file that scripts/keygen has "
                           "printed");
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_cigna_secret_read(cf, "keys", &o->keys, NGX_CIGNA_KEYS_MAX, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    vault->ring = cigna_keyring_create(ngx_cigna_slice(&text), &error, &line);

    if (vault->ring == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"keys\" file \"%V\", line %ud: %s, write what "
                           "scripts/keygen prints", &o->keys, line, error);
        return NGX_ERROR;
    }

    cln->handler = ngx_cigna_conf_vault_cleanup;
    cln->data = vault->ring;

    return NGX_OK;
}


static void
ngx_cigna_conf_vault_cleanup(void *data)
{
    cigna_keyring_destroy(data);
}


static ngx_int_t
ngx_cigna_conf_vault_login(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_redis_conf_t *redis)
{
    redis->username = o->username;

    if (o->username.len && o->username_file.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "both \"username\" and \"username_file\" in "
                           "\"cigna_vault\", write one of them");
        return NGX_ERROR;
    }

    if ((o->username.len || o->username_file.len) && !o->password_file.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a user name without a password in "
                           "\"cigna_vault\", write \"password_file FILE;\"");
        return NGX_ERROR;
    }

    if (o->username_file.len
        && ngx_cigna_secret_line(cf, "username_file", &o->username_file,
                                 &redis->username)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (o->password_file.len
        && ngx_cigna_secret_line(cf, "password_file", &o->password_file,
                                 &redis->password)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_vault_seeds(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_redis_conf_t *redis)
{
    ngx_str_t           *text;
    ngx_ssl_t           *ssl;
    ngx_uint_t           i;
    cigna_redis_url_t    first;
    ngx_cigna_origin_t  *origin;

    if (o->redis == NGX_CONF_UNSET_PTR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"redis\" in \"cigna_vault\", write \"redis "
                           "rediss://host:port/0;\" or \"redis "
                           "unix:/path/to/socket;\"");
        return NGX_ERROR;
    }

    text = o->redis->elts;

    origin = ngx_pcalloc(cf->pool,
                         o->redis->nelts * sizeof(ngx_cigna_origin_t));
    if (origin == NULL
        || ngx_cigna_conf_vault_url(cf, &text[0], &first) != NGX_OK
        || ngx_cigna_conf_vault_ssl(cf, o, first.tls, &ssl) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < o->redis->nelts; i++) {

        origin[i].ssl = ssl;
        origin[i].tls_name = o->tls_name;

        if (ngx_cigna_conf_vault_seed(cf, &text[i], &first, &origin[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    redis->origins = origin;
    redis->norigins = o->redis->nelts;
    redis->db = first.db;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_vault_url(ngx_conf_t *cf, ngx_str_t *text,
    cigna_redis_url_t *url)
{
    const char  *error;

    if (cigna_redis_url_parse(ngx_cigna_slice(text), url, &error)
        == CIGNA_OK)
    {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"redis\" \"%V\" %s", text,
                       error);
    return NGX_ERROR;
}


static ngx_int_t
ngx_cigna_conf_vault_seed(ngx_conf_t *cf, ngx_str_t *text,
    cigna_redis_url_t *first, ngx_cigna_origin_t *origin)
{
    cigna_redis_url_t  url;

    if (ngx_cigna_conf_vault_url(cf, text, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    if (url.db != first->db || url.tls != first->tls) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis\" \"%V\" is a seed of the same Redis as "
                           "the first one, write the same scheme and "
                           "database number", text);
        return NGX_ERROR;
    }

    return ngx_cigna_conf_vault_origin(cf, &url, origin);
}


static ngx_int_t
ngx_cigna_conf_vault_origin(ngx_conf_t *cf, cigna_redis_url_t *url,
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
ngx_cigna_conf_vault_ssl(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_uint_t tls, ngx_ssl_t **ssl)
{
    *ssl = NULL;

    if (tls) {
        *ssl = ngx_cigna_tls_create(cf, &o->trusted_certificate);

        return *ssl ? NGX_OK : NGX_ERROR;
    }

    if (o->trusted_certificate.len || o->tls_name.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"trusted_certificate\" and \"tls_name\" in "
                           "\"cigna_vault\" need TLS, write \"redis "
                           "rediss://...;\" or remove them");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_cigna_conf_vault_init(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_cigna_origin_t  *origin;

    rc = NGX_OK;
    origin = mcf->redis.origins;

    ngx_cigna_place_enter(cf, mcf->vault_place);

    for (i = 0; i < mcf->redis.norigins && rc == NGX_OK; i++) {

        ngx_cigna_conf_resolver(cf, &origin[i].resolver,
                                &origin[i].resolver_timeout);

        rc = ngx_cigna_origin_init(cf, &origin[i]);
    }

    ngx_cigna_place_leave(cf, mcf->vault_place);

    return rc;
}
