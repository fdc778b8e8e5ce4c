
#include "gateway/ngx_cigna_conf.h"
#include "conf/ngx_cigna_conf_budget.h"
#include "conf/ngx_cigna_conf_cors.h"
#include "conf/ngx_cigna_conf_links.h"
#include "conf/ngx_cigna_conf_location.h"
#include "conf/ngx_cigna_conf_notice.h"
#include "dance/ngx_cigna_dance_handlers.h"
#include "fhir/ngx_cigna_fhir.h"
#include "conf/ngx_cigna_conf_tenant.h"
#include "conf/ngx_cigna_conf_tenants.h"
#include "conf/ngx_cigna_conf_vault.h"
#include "ngx_cigna_handlers.h"
#include "gateway/ngx_cigna_rows.h"
#include "ngx_cigna_process.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "shm/ngx_cigna_zone.h"
#include "conf/ngx_cigna_conf_merge.h"
#include "shm/ngx_cigna_documents.h"


#define NGX_CIGNA_ANY_CONF                                                    \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static char *ngx_cigna_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_cigna_zone_parse(ngx_str_t *value, ngx_str_t *name,
    ssize_t *size);
static ngx_int_t ngx_cigna_zone_begin(ngx_shm_zone_t *zone, void *data);
static ngx_int_t ngx_cigna_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_cigna_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_cigna_complete(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


static ngx_http_handler_pt  ngx_cigna_fhir_post =
    ngx_cigna_fhir_content_handler;


/* a directive that gives a location its content handler */

#define ngx_cigna_endpoint(name)                                              \
    { ngx_string("cigna_" #name),                                             \
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,                                      \
      ngx_cigna_conf_endpoint,                                                \
      NGX_HTTP_LOC_CONF_OFFSET,                                               \
      0,                                                                      \
      &(ngx_cigna_conf_endpoint_post_t) {                                     \
          ngx_cigna_endpoint_##name, ngx_cigna_##name##_handler } }


static ngx_command_t  ngx_cigna_commands[] = {

    { ngx_string("cigna_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_cigna_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_vault"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_cigna_conf_vault,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_tenant"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_cigna_conf_tenant,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_budget"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_ANY,
      ngx_cigna_conf_budget,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_cigna_main_conf_t, budget),
      &ngx_cigna_budget_of_gateway },

    { ngx_string("cigna_identity"),
      NGX_CIGNA_ANY_CONF|NGX_CONF_TAKE2,
      ngx_cigna_conf_identity,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_insecure_upstream"),
      NGX_CIGNA_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_cigna_loc_conf_t, insecure_upstream),
      NULL },

    { ngx_string("cigna_fhir"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_cigna_conf_fhir,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_cigna_fhir_post },

    { ngx_string("cigna_upstream_alias"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_cigna_conf_alias,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_base_url"),
      NGX_CIGNA_ANY_CONF|NGX_CONF_TAKE1,
      ngx_cigna_conf_base_url,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_smart_endpoint"),
      NGX_CIGNA_ANY_CONF|NGX_CONF_TAKE2,
      ngx_cigna_conf_smart_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("cigna_not_found"),
      NGX_CIGNA_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_cigna_loc_conf_t, not_found),
      NULL },

    { ngx_string("cigna_cors"),
      NGX_CIGNA_ANY_CONF|NGX_CONF_1MORE,
      ngx_cigna_conf_cors,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    ngx_cigna_endpoint(connect),
    ngx_cigna_endpoint(callback),
    ngx_cigna_endpoint(status),
    ngx_cigna_endpoint(disconnect),
    ngx_cigna_endpoint(counters),

      ngx_null_command
};


static ngx_http_module_t  ngx_cigna_module_ctx = {
    ngx_cigna_preconfiguration,            /* preconfiguration */
    ngx_cigna_postconfiguration,           /* postconfiguration */

    ngx_cigna_conf_create_main,            /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_cigna_conf_create_srv,             /* create server configuration */
    ngx_cigna_conf_merge_srv,              /* merge server configuration */

    ngx_cigna_conf_create_loc,             /* create location configuration */
    ngx_cigna_conf_merge_loc               /* merge location configuration */
};


ngx_module_t  ngx_cigna_module = {
    NGX_MODULE_V1,
    &ngx_cigna_module_ctx,                 /* module context */
    ngx_cigna_commands,                    /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_cigna_process_init,                /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_cigna_process_exit,                /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_cigna_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    char       *error;
    ssize_t     size;
    ngx_str_t  *value, name;

    if (mcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    error = ngx_cigna_zone_parse(&value[1], &name, &size);
    if (error) {
        return error;
    }

    mcf->zone = ngx_shared_memory_add(cf, &name, size, &ngx_cigna_module);
    mcf->zone_place = ngx_cigna_place_create(cf);
    mcf->documents = ngx_cigna_documents_add(cf, &ngx_cigna_module);

    if (mcf->zone == NULL || mcf->zone_place == NULL
        || mcf->documents == NULL)
    {
        return NGX_CONF_ERROR;
    }

    mcf->zone->init = ngx_cigna_zone_begin;
    mcf->zone->data = mcf;

    return NGX_CONF_OK;
}


/* parses zone=NAME:SIZE; name points into value; returns NULL or an error */

static char *
ngx_cigna_zone_parse(ngx_str_t *value, ngx_str_t *name, ssize_t *size)
{
    u_char     *colon;
    ngx_str_t   text;

    colon = (u_char *) ngx_strchr(value->data, ':');

    if (ngx_strncmp(value->data, "zone=", 5) != 0 || colon == NULL) {
        return "has an invalid parameter, write \"cigna_zone "
               "zone=cigna:32m;\"";
    }

    name->data = value->data + 5;
    name->len = colon - name->data;

    text.data = colon + 1;
    text.len = value->data + value->len - text.data;

    *size = ngx_parse_size(&text);

    if (name->len == 0 || *size == NGX_ERROR) {
        return "has an invalid name or size, write \"cigna_zone "
               "zone=cigna:32m;\"";
    }

    if (*size < NGX_CIGNA_ZONE_SIZE_MIN) {
        return "is too small, write at least \"cigna_zone zone=cigna:1m;\"";
    }

    return NULL;
}


/* data: the zone's "data" before a reload, or NULL */

static ngx_int_t
ngx_cigna_zone_begin(ngx_shm_zone_t *zone, void *data)
{
    ngx_cigna_main_conf_t  *mcf = zone->data;

    return ngx_cigna_zone_init(zone, data) == NGX_OK
           ? ngx_cigna_rows_claim(mcf) : NGX_ERROR;
}


static ngx_int_t
ngx_cigna_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_cigna_variables_add(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_cigna_notice_begin(cf);
}


/* adds no handlers if the configuration does not use the module */

static ngx_int_t
ngx_cigna_postconfiguration(ngx_conf_t *cf)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);

    ngx_cigna_notice_end(cf);

    if (mcf->zone == NULL && mcf->vault_place == NULL && mcf->tenants.nelts == 0
        && mcf->used == NULL)
    {
        return NGX_OK;
    }

    if (ngx_cigna_complete(cf, mcf) != NGX_OK
        || ngx_cigna_rows_check(cf, mcf) != NGX_OK
        || ngx_cigna_conf_vault_init(cf, mcf) != NGX_OK
        || ngx_cigna_conf_tenants_init(cf, mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_handlers_init(cf);
}


static ngx_int_t
ngx_cigna_complete(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    const char  *missing;

    missing = NULL;

    if (mcf->zone == NULL) {
        missing = "cigna_zone zone=cigna:32m;";

    } else if (mcf->vault_place == NULL) {
        missing = "cigna_vault { redis ...; keys ...; }";

    } else if (mcf->tenants.nelts == 0) {
        missing = "cigna_tenant NAME { ... }";
    }

    if (missing == NULL) {
        return NGX_OK;
    }

    if (mcf->used) {
        ngx_cigna_place_enter(cf, mcf->used);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the Cigna gateway lacks a directive, write \"%s\" in "
                       "the block \"http\"", missing);

    if (mcf->used) {
        ngx_cigna_place_leave(cf, mcf->used);
    }

    return NGX_ERROR;
}
