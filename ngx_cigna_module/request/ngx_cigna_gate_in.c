
#include "ngx_cigna_gate_in.h"
#include "ngx_cigna_cors.h"
#include "ngx_cigna_header.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "http/cigna_cors.h"
#include "http/cigna_gate_in.h"


/* the treatment of Content-Disposition lines in the reply */

typedef enum {
    ngx_cigna_gate_in_as_is = 0,           /* JSON, or not cigna_fhir */
    ngx_cigna_gate_in_none,                /* dropped, as there is no body */
    ngx_cigna_gate_in_attached             /* the reply must have one such
                                              line, with "attachment" */
} ngx_cigna_gate_in_e;


static ngx_int_t ngx_cigna_gate_in_init(ngx_conf_t *cf);
static ngx_uint_t ngx_cigna_gate_in_upstreams(ngx_http_upstream_t *u,
    ngx_cigna_header_t *place, ngx_table_elt_t *h);
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
static ngx_int_t ngx_cigna_gate_in_add(ngx_http_request_t *r, ngx_uint_t n);


/*
 * All locations of this module get the first two lines.  Only cigna_fhir gets
 * the others, and only a reply that has a body and is not JSON gets the last
 * one.
 */

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
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header, place;

    /* without this pointer, nginx writes its own Server line */

    r->headers_out.server = NULL;

    if (r->upstream == NULL) {
        return;
    }

    header = ngx_cigna_header(&r->headers_out.headers);
    place = ngx_cigna_header(&r->upstream->headers_in.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        if (h->hash
            && !cigna_gate_in_passes(ngx_cigna_slice(&h->key),
                                     ngx_cigna_slice(&h->value))
            && ngx_cigna_gate_in_upstreams(r->upstream, &place, h))
        {
            h->hash = 0;
        }
    }

    ngx_cigna_gate_in_forget(r);
}


/*
 * Clears nginx's own pointers to dropped lines.  With them nginx would push the
 * resources of a dropped Link, "expires" would write into dropped lines, and
 * nginx would send a dropped Location that "proxy_redirect" has changed.
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
 * Returns 1 if the line comes from the upstream.  nginx copies the upstream's
 * lines, but a copy points to the same bytes of the name.  The copies are in
 * order, so the search begins behind the last line found.  At the end of the
 * list the search starts once more from the beginning.
 */

static ngx_uint_t
ngx_cigna_gate_in_upstreams(ngx_http_upstream_t *u, ngx_cigna_header_t *place,
    ngx_table_elt_t *h)
{
    ngx_uint_t        round;
    ngx_table_elt_t  *line;

    for (round = 0; round < 2; round++) {

        while ((line = ngx_cigna_header_next(place)) != NULL) {
            if (line->key.data == h->key.data) {
                return 1;
            }
        }

        *place = ngx_cigna_header(&u->headers_in.headers);
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

    if (ngx_cigna_gate_in_add(r, n) != NGX_OK
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


/* nginx appends the charset to the type later, so both are checked */

static ngx_uint_t
ngx_cigna_gate_in_json(ngx_http_request_t *r)
{
    return cigna_gate_in_json(ngx_cigna_slice(&r->headers_out.content_type))
           && (r->headers_out.charset.len == 0
               || !cigna_slice_has(ngx_cigna_slice(&r->headers_out.charset),
                                   ','));
}


/*
 * Drops the lines that the gate writes itself, also if another module has
 * written them, and Content-Disposition if the reply has no body.  If the gate
 * makes the reply an attachment, keeps one "Content-Disposition: attachment",
 * which may have a file name, and then returns 1.
 */

static ngx_uint_t
ngx_cigna_gate_in_clear(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_gate_in_e disposed)
{
    ngx_uint_t           attached;
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    attached = 0;
    header = ngx_cigna_header(&r->headers_out.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        if (h->hash
            && (cigna_gate_in_own_len(h->key.len) || lcf->cors_methods.len)
            && ngx_cigna_gate_in_replaced(h, lcf, disposed, &attached))
        {
            h->hash = 0;
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


/* adds the first n of ngx_cigna_gate_in_lines to the reply's header */

static ngx_int_t
ngx_cigna_gate_in_add(ngx_http_request_t *r, ngx_uint_t n)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    for (i = 0; i < n; i++) {

        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = ngx_cigna_gate_in_lines[i];
    }

    return NGX_OK;
}
