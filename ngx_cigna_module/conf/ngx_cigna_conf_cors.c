
#include "ngx_cigna_conf_cors.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "http/cigna_cors.h"


#define NGX_CIGNA_CORS_SIZE  sizeof("https://[]:65535")


static ngx_uint_t ngx_cigna_conf_cors_credentials(ngx_str_t *value,
    ngx_cigna_cors_t *cors);
static ngx_int_t ngx_cigna_conf_cors_origin(ngx_conf_t *cf, ngx_str_t *value,
    ngx_cigna_cors_t *cors);
static ngx_int_t ngx_cigna_conf_cors_add(ngx_conf_t *cf, ngx_str_t *value,
    ngx_cigna_cors_t *cors, cigna_uri_t *uri);
static ngx_int_t ngx_cigna_conf_cors_refuse(ngx_conf_t *cf, ngx_str_t *value,
    const char *error);


char *
ngx_cigna_conf_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_loc_conf_t *lcf = conf;

    ngx_str_t         *value;
    ngx_uint_t         i;
    ngx_cigna_cors_t  *cors;

    if (lcf->cors != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        lcf->cors = NULL;
        return NGX_CONF_OK;
    }

    cors = ngx_palloc(cf->pool, sizeof(ngx_cigna_cors_t));

    if (cors == NULL
        || ngx_array_init(&cors->origins, cf->pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cors->credentials = 1;

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_cigna_conf_cors_credentials(&value[i], cors)
            && ngx_cigna_conf_cors_origin(cf, &value[i], cors) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (cors->origins.nelts == 0) {
        return "has no origins, write \"cigna_cors https://app.example;\" or "
               "\"cigna_cors off;\"";
    }

    lcf->cors = cors;

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_cigna_conf_cors_credentials(ngx_str_t *value, ngx_cigna_cors_t *cors)
{
    if (ngx_strcmp(value->data, "credentials=off") == 0) {
        cors->credentials = 0;
        return 1;
    }

    return ngx_strcmp(value->data, "credentials=on") == 0;
}


static ngx_int_t
ngx_cigna_conf_cors_origin(ngx_conf_t *cf, ngx_str_t *value,
    ngx_cigna_cors_t *cors)
{
    const char   *error;
    cigna_uri_t   uri;

    if (ngx_strcmp(value->data, "off") == 0) {
        return ngx_cigna_conf_cors_refuse(cf, value, "cannot be combined "
                                          "with origins, write \"cigna_cors "
                                          "off;\" or origins");
    }

    if (ngx_strncmp(value->data, "credentials=", 12) == 0) {
        return ngx_cigna_conf_cors_refuse(cf, value, "is invalid, write "
                                          "\"credentials=on\" or "
                                          "\"credentials=off\"");
    }

    if (cigna_cors_origin_parse(ngx_cigna_slice(value), &uri, &error)
        != CIGNA_OK)
    {
        return ngx_cigna_conf_cors_refuse(cf, value, error);
    }

    return ngx_cigna_conf_cors_add(cf, value, cors, &uri);
}


/* adds the origin as browsers write it; refuses one that is there already */

static ngx_int_t
ngx_cigna_conf_cors_add(ngx_conf_t *cf, ngx_str_t *value,
    ngx_cigna_cors_t *cors, cigna_uri_t *uri)
{
    u_char       *p;
    size_t        size;
    ngx_str_t    *origin, *known;
    ngx_uint_t    i;
    cigna_buf_t   b;

    size = uri->host.len + NGX_CIGNA_CORS_SIZE;

    p = ngx_pnalloc(cf->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, p, size);
    cigna_uri_append_origin(&b, uri);

    known = cors->origins.elts;

    for (i = 0; i < cors->origins.nelts; i++) {
        if (cigna_slice_eq(ngx_cigna_slice(&known[i]),
                           cigna_slice_make(b.start, b.pos)))
        {
            return ngx_cigna_conf_cors_refuse(cf, value, "is there twice, "
                                              "remove one of the two");
        }
    }

    origin = ngx_array_push(&cors->origins);
    if (origin == NULL || b.overflow) {
        return NGX_ERROR;
    }

    origin->data = b.start;
    origin->len = b.pos - b.start;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_cors_refuse(ngx_conf_t *cf, ngx_str_t *value,
    const char *error)
{
    return ngx_cigna_conf_error(cf, "\"cigna_cors\" \"%V\" %s", value, error);
}


/*
 * Sets the methods that CORS allows.  Locations with "cigna_connect" or
 * "cigna_callback" get none: browsers navigate to them, and scripts do not
 * fetch them.
 */

void
ngx_cigna_conf_cors_methods(ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_null(&lcf->cors_methods);

    if (lcf->cors == NULL) {
        return;
    }

    if (lcf->fhir) {
        ngx_str_set(&lcf->cors_methods, "GET, HEAD, POST");

    } else if (lcf->endpoint == ngx_cigna_endpoint_status) {
        ngx_str_set(&lcf->cors_methods, "GET, HEAD");

    } else if (lcf->endpoint == ngx_cigna_endpoint_disconnect) {
        ngx_str_set(&lcf->cors_methods, "POST");
    }
}
