
#include "ngx_cigna_conf_vault.h"
#include "ngx_cigna_conf_redis.h"
#include "ngx_cigna_conf_value.h"
#include "nginx/ngx_cigna_secret_file.h"
#include "nginx/ngx_cigna_block.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "ngx_cigna_conf_origin.h"


#define NGX_CIGNA_KEYS_MAX      16384      /* bytes of a key ring file */
#define NGX_CIGNA_PREFIX_MAX    32
#define NGX_CIGNA_REPLICAS_MAX  16
#define NGX_CIGNA_WAIT_MS       500        /* ms, by default */
#define NGX_CIGNA_WAIT_MAX      (60 * 1000)        /* ms, at most */
#define NGX_CIGNA_AGE_MAX       (24 * 3600 * 1000)     /* ms */
#define NGX_CIGNA_STORIES       131072     /* by default */
#define NGX_CIGNA_STORIES_MAX   16777216


static char *ngx_cigna_conf_vault_wait(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_cigna_conf_vault_fill(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, ngx_cigna_main_conf_t *mcf);
static ngx_int_t ngx_cigna_conf_vault_prefix(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, cigna_vault_t *vault);
static ngx_int_t ngx_cigna_conf_vault_keys(ngx_conf_t *cf,
    ngx_cigna_vault_options_t *o, cigna_vault_t *vault);
static void ngx_cigna_conf_vault_cleanup(void *data);


#define ngx_cigna_vault_option(name, type, set, post, usage)                  \
    ngx_cigna_block_command(ngx_cigna_vault_options_t, name, type, set,       \
                            post, usage)

#define ngx_cigna_vault_number(name, type, set, low, high, initial, usage)    \
    ngx_cigna_block_number(ngx_cigna_vault_options_t, name, type, set, NULL,  \
                           low, high, initial, usage)

#define ngx_cigna_vault_num(name, kind, low, high, initial, usage)            \
    ngx_cigna_vault_number(name, NGX_CONF_TAKE1, ngx_conf_set_##kind##_slot,  \
                           low, high, initial, usage)

#define ngx_cigna_vault_str(name, example)                                    \
    ngx_cigna_vault_option(name, NGX_CONF_TAKE1, ngx_conf_set_str_slot,       \
                           NULL, "\"" #name " " example ";\"")


static ngx_cigna_block_command_t  ngx_cigna_conf_vault_commands[] = {

    ngx_cigna_vault_option(redis, NGX_CONF_TAKE1|NGX_CIGNA_BLOCK_REPEAT,
        ngx_cigna_block_set_list, NULL,
        "\"redis rediss://host:port/0;\""),

    ngx_cigna_vault_option(sentinel, NGX_CONF_TAKE1|NGX_CIGNA_BLOCK_REPEAT,
        ngx_cigna_block_set_list, NULL,
        "\"sentinel rediss://host:26379;\""),

    ngx_cigna_vault_str(sentinel_master, "NAME"),
    ngx_cigna_vault_str(sentinel_username, "NAME"),
    ngx_cigna_vault_str(sentinel_username_file, "FILE"),
    ngx_cigna_vault_str(sentinel_password_file, "FILE"),

    ngx_cigna_vault_number(cluster, NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, 0, 1, 0,
        "\"cluster on;\" or \"cluster off;\""),

    ngx_cigna_vault_number(wait_replicas, NGX_CONF_TAKE12,
        ngx_cigna_conf_vault_wait, 0, NGX_CIGNA_REPLICAS_MAX, 0,
        "\"wait_replicas 1 500ms;\", from 0 to 16 replicas, from 1ms to 1m"),

    ngx_cigna_vault_str(keys, "FILE"),
    ngx_cigna_vault_str(username, "NAME"),
    ngx_cigna_vault_str(username_file, "FILE"),
    ngx_cigna_vault_str(password_file, "FILE"),
    ngx_cigna_vault_str(trusted_certificate, "FILE"),
    ngx_cigna_vault_str(tls_name, "NAME"),
    ngx_cigna_vault_str(prefix, "cigna"),

    ngx_cigna_vault_num(connect_timeout, msec, 1, NGX_CIGNA_WAIT_MAX, 500,
        "\"connect_timeout 500ms;\", from 1ms to 1m"),

    ngx_cigna_vault_num(timeout, msec, 1, NGX_CIGNA_WAIT_MAX, 1000,
        "\"timeout 1s;\", from 1ms to 1m"),

    ngx_cigna_vault_num(connections, num, 1, 16, 1,
        "\"connections 1;\", from 1 to 16 for each worker"),

    ngx_cigna_vault_num(revalidate, msec, 0, NGX_CIGNA_AGE_MAX, 30 * 1000,
        "\"revalidate 30s;\", from 0 to 1d"),

    ngx_cigna_vault_num(stale, msec, 0, NGX_CIGNA_AGE_MAX, 5 * 60 * 1000,
        "\"stale 5m;\", from 0 to 1d"),

    ngx_cigna_vault_num(stories, num, 0, NGX_CIGNA_STORIES_MAX,
        NGX_CIGNA_STORIES,
        "\"stories 131072;\", from 0 to 16777216 dances"),

    ngx_cigna_null_block_command
};


char *
ngx_cigna_conf_vault(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    char                       *rv;
    ngx_cigna_place_t          *place;
    ngx_cigna_vault_options_t   o;

    if (mcf->vault_place) {
        return "is duplicate";
    }

    place = ngx_cigna_place_create(cf);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->vault_place = place;

    ngx_memzero(&o, sizeof(ngx_cigna_vault_options_t));

    o.wait_timeout = NGX_CIGNA_WAIT_MS;

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


/* setter of "wait_replicas n [time]" */

static char *
ngx_cigna_conf_vault_wait(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_vault_options_t *o = conf;

    ngx_str_t  *value;
    ngx_int_t   ms;

    value = cf->args->elts;
    ms = o->wait_timeout;

    o->wait_replicas = ngx_atoi(value[1].data, value[1].len);

    if (cf->args->nelts == 3) {
        ms = ngx_parse_time(&value[2], 0);
    }

    o->wait_timeout = ms;

    if (o->wait_replicas == NGX_ERROR
        || o->wait_replicas > NGX_CIGNA_REPLICAS_MAX
        || ms < 1 || ms > NGX_CIGNA_WAIT_MAX)
    {
        return "invalid value";
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_cigna_conf_vault_fill(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    ngx_cigna_main_conf_t *mcf)
{
    mcf->redis.connect_timeout = o->connect_timeout;
    mcf->redis.timeout = o->timeout;
    mcf->redis.connections = o->connections;
    mcf->redis.wait_replicas = o->wait_replicas;
    mcf->redis.wait_timeout = o->wait_timeout;
    mcf->revalidate = o->revalidate;
    mcf->stale = o->stale;
    mcf->vault.stories = o->stories;
    mcf->vault.node = ngx_cigna_slice(&cf->cycle->hostname);

    if (ngx_cigna_conf_vault_prefix(cf, o, &mcf->vault) != NGX_OK
        || ngx_cigna_conf_vault_keys(cf, o, &mcf->vault) != NGX_OK
        || ngx_cigna_conf_redis(cf, o, &mcf->redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    mcf->redis.vault = &mcf->vault;

    return NGX_OK;
}


/*
 * sets and checks the prefix of Redis keys: for example, braces in it would
 * change the hash tag in Redis Cluster
 */

static ngx_int_t
ngx_cigna_conf_vault_prefix(ngx_conf_t *cf, ngx_cigna_vault_options_t *o,
    cigna_vault_t *vault)
{
    if (o->prefix.data == NULL) {
        ngx_str_set(&o->prefix, "cigna");
    }

    if (!ngx_cigna_conf_name(&o->prefix, "-_.:", NGX_CIGNA_PREFIX_MAX)) {
        return ngx_cigna_conf_error(cf,
            "\"prefix\" is invalid in \"%V\", use at most %d letters, digits, "
            "\"-\", \"_\", \".\" and \":\"", &o->prefix, NGX_CIGNA_PREFIX_MAX);
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
        return ngx_cigna_conf_error(cf,
            "no \"keys\" in \"cigna_vault\", write \"keys FILE;\" with a file "
            "that scripts/keygen has printed");
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_cigna_secret_file_read(cf, "keys", &o->keys, NGX_CIGNA_KEYS_MAX,
                                   &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    vault->ring = cigna_keyring_create(ngx_cigna_slice(&text), &error, &line);

    if (vault->ring == NULL) {
        return ngx_cigna_conf_error(cf,
            "\"keys\" file \"%V\", line %ud: %s, write what scripts/keygen "
            "prints", &o->keys, line, error);
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
