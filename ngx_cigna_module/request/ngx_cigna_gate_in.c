
#include "ngx_cigna_gate_in.h"
#include "ngx_cigna_cors.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "http/cigna_cors.h"
#include "http/cigna_gate_in.h"


/* the reply's Content-Disposition */

typedef enum {
    ngx_cigna_gate_in_as_is = 0,           /* JSON, or not of cigna_fhir */
    ngx_cigna_gate_in_none,                /* dropped, as there is no body */
    ngx_cigna_gate_in_attached             /* "attachment" */
} ngx_cigna_gate_in_e;


/* a place in the list of the upstream's lines */

typedef struct {
    ngx_list_part_t  *first;
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_cigna_gate_in_place_t;


static ngx_int_t ngx_cigna_gate_in_init(ngx_conf_t *cf);
static ngx_uint_t ngx_cigna_gate_in_upstreams(ngx_cigna_gate_in_place_t *place,
    ngx_table_elt_t *h);
static void ngx_cigna_gate_in_forget(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_gate_in_filter(ngx_http_request_t *r);
static ngx_cigna_gate_in_e ngx_cigna_gate_in_disposed(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);
static ngx_uint_t ngx_cigna_gate_in_json(ngx_http_request_t *r);
static ngx_uint_t ngx_cigna_gate_in_clear(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_gate_in_e disposed);
static ngx_uint_t ngx_cigna_gate_in_replaced(ngx_table_elt_t *h,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_gate_in_e disposed,
    ngx_uint_t *attached);
static ngx_int_t ngx_cigna_gate_in_add(ngx_http_request_t *r,
    const ngx_table_elt_t *line, ngx_uint_t n);


/* the first two are for all our locations, the last for replies but JSON */

#define NGX_CIGNA_GATE_IN_ALL  2

static const ngx_table_elt_t  ngx_cigna_gate_in_lines[] = {

    { .hash = 1,
      .key = ngx_string("Cache-Control"),
      .value = ngx_string("no-store, private") },

    { .hash = 1,
      .key = ngx_string("X-Content-Type-Options"),
      .value = ngx_string("nosniff") },

    { .hash = 1,
      .key = ngx_string("Content-Security-Policy"),
      .value = ngx_string("sandbox; default-src 'none'; "
                          "frame-ancestors 'none'") },

    { .hash = 1,
      .key = ngx_string("Cross-Origin-Resource-Policy"),
      .value = ngx_string("same-origin") },

    { .hash = 1,
      .key = ngx_string("Content-Disposition"),
      .value = ngx_string("attachment") }
};

#define NGX_CIGNA_GATE_IN_FHIR  4
#define NGX_CIGNA_GATE_IN_FILE  5


static ngx_http_output_header_filter_pt  ngx_cigna_next_header_filter;


static ngx_http_module_t  ngx_cigna_gate_in_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_cigna_gate_in_init,                /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_cigna_gate_in_module = {
    NGX_MODULE_V1,
    &ngx_cigna_gate_in_module_ctx,         /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_cigna_gate_in_init(ngx_conf_t *cf)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);

    if (mcf->used == NULL) {
        return NGX_OK;
    }

    ngx_cigna_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_cigna_gate_in_filter;

    return NGX_OK;
}


void
ngx_cigna_gate_in_reply(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *h;
    ngx_cigna_gate_in_place_t   place;

    /* without a Server line nginx writes its own */

    r->headers_out.server = NULL;

    if (r->upstream == NULL) {
        return;
    }

    place.first = &r->upstream->headers_in.headers.part;
    place.part = place.first;
    place.i = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash
                && !cigna_gate_in_passes(ngx_cigna_slice(&h[i].key),
                                         ngx_cigna_slice(&h[i].value))
                && ngx_cigna_gate_in_upstreams(&place, &h[i]))
            {
                h[i].hash = 0;
            }
        }
    }

    ngx_cigna_gate_in_forget(r);
}


/*
 * Forgets what nginx remembers of dropped lines: Link would make it push,
 * "expires" would write into old lines, and a Location that "proxy_redirect"
 * has changed would be sent nevertheless.
 */

static void
ngx_cigna_gate_in_forget(ngx_http_request_t *r)
{
    if (r->headers_out.location && r->headers_out.location->hash == 0) {
        r->headers_out.location = NULL;
    }

    r->headers_out.expires = NULL;
    ngx_memzero(&r->headers_out.cache_control,
                sizeof(r->headers_out.cache_control));
    ngx_memzero(&r->headers_out.link, sizeof(r->headers_out.link));

    if (!cigna_slice_plain(ngx_cigna_slice(&r->headers_out.status_line))) {
        ngx_str_null(&r->headers_out.status_line);
    }

    if (!cigna_slice_plain(ngx_cigna_slice(&r->headers_out.content_type))) {
        ngx_str_null(&r->headers_out.content_type);
        ngx_str_null(&r->headers_out.charset);
        r->headers_out.content_type_len = 0;
        r->headers_out.content_type_lowcase = NULL;
    }
}


/*
 * 1 if the line is the upstream's.  nginx copies the upstream's lines, but not
 * their names, which stay where they were read.  The copies are in order, so
 * the search goes on from the last one found, and round once before it gives
 * up.
 */

static ngx_uint_t
ngx_cigna_gate_in_upstreams(ngx_cigna_gate_in_place_t *place,
    ngx_table_elt_t *h)
{
    ngx_uint_t        i, round;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *line;

    part = place->part;
    i = place->i;

    for (round = 0; round < 2; round++) {

        for ( /* void */ ; part; part = part->next, i = 0) {

            line = part->elts;

            for ( /* void */ ; i < part->nelts; i++) {

                if (line[i].key.data == h->key.data) {
                    place->part = part;
                    place->i = i + 1;
                    return 1;
                }
            }
        }

        part = place->first;
        i = 0;
    }

    return 0;
}


static ngx_int_t
ngx_cigna_gate_in_filter(ngx_http_request_t *r)
{
    ngx_uint_t             n, attached;
    ngx_cigna_loc_conf_t  *lcf;
    ngx_cigna_gate_in_e    disposed;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (r != r->main || (!lcf->fhir && !lcf->endpoint)) {
        return ngx_cigna_next_header_filter(r);
    }

    disposed = ngx_cigna_gate_in_disposed(r, lcf);
    attached = ngx_cigna_gate_in_clear(r, lcf, disposed);

    n = lcf->fhir ? NGX_CIGNA_GATE_IN_FHIR : NGX_CIGNA_GATE_IN_ALL;

    if (disposed == ngx_cigna_gate_in_attached && !attached) {
        n = NGX_CIGNA_GATE_IN_FILE;
    }

    if (ngx_cigna_gate_in_add(r, ngx_cigna_gate_in_lines, n) != NGX_OK
        || (lcf->cors_methods.len && ngx_cigna_cors_lines(r, lcf) != NGX_OK))
    {
        return NGX_ERROR;
    }

    return ngx_cigna_next_header_filter(r);
}


static ngx_cigna_gate_in_e
ngx_cigna_gate_in_disposed(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    if (!lcf->fhir) {
        return ngx_cigna_gate_in_as_is;
    }

    if (r->headers_out.status == NGX_HTTP_NO_CONTENT
        || r->headers_out.status == NGX_HTTP_NOT_MODIFIED)
    {
        return ngx_cigna_gate_in_none;
    }

    return ngx_cigna_gate_in_json(r) ? ngx_cigna_gate_in_as_is
                                     : ngx_cigna_gate_in_attached;
}


/* nginx may still append the charset to the type */

static ngx_uint_t
ngx_cigna_gate_in_json(ngx_http_request_t *r)
{
    return cigna_gate_in_json(ngx_cigna_slice(&r->headers_out.content_type))
           && (r->headers_out.charset.len == 0
               || !cigna_slice_has(ngx_cigna_slice(&r->headers_out.charset),
                                   ','));
}


/*
 * Drops the lines that the gate writes itself, whoever has written them.  1 if
 * an attachment's Content-Disposition, which has its file name, was kept.
 */

static ngx_uint_t
ngx_cigna_gate_in_clear(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_gate_in_e disposed)
{
    ngx_uint_t        i, attached;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    attached = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash
                && (cigna_gate_in_own_len(h[i].key.len)
                    || lcf->cors_methods.len)
                && ngx_cigna_gate_in_replaced(&h[i], lcf, disposed, &attached))
            {
                h[i].hash = 0;
            }
        }
    }

    return attached;
}


static ngx_uint_t
ngx_cigna_gate_in_replaced(ngx_table_elt_t *h, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_gate_in_e disposed, ngx_uint_t *attached)
{
    switch (cigna_gate_in_own(ngx_cigna_slice(&h->key))) {

    case cigna_gate_in_storing:
    case cigna_gate_in_sniffing:
        return 1;

    case cigna_gate_in_policy:
    case cigna_gate_in_embedding:
        return lcf->fhir;

    case cigna_gate_in_disposition:

        if (disposed == ngx_cigna_gate_in_attached
            && !*attached
            && cigna_gate_in_attachment(ngx_cigna_slice(&h->value)))
        {
            *attached = 1;
            return 0;
        }

        return disposed != ngx_cigna_gate_in_as_is;

    default:
        return lcf->cors_methods.len
               && cigna_cors_line(ngx_cigna_slice(&h->key));
    }
}


static ngx_int_t
ngx_cigna_gate_in_add(ngx_http_request_t *r, const ngx_table_elt_t *line,
    ngx_uint_t n)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    for (i = 0; i < n; i++) {

        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = line[i];
    }

    return NGX_OK;
}
