
#include "ngx_cigna_gate_out.h"
#include "ngx_cigna_search.h"
#include "ngx_cigna_token.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "nginx/ngx_cigna_log.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "request/ngx_cigna_reply.h"
#include "shm/ngx_cigna_counters.h"
#include "fhir/cigna_search.h"


#define NGX_CIGNA_GATE_OUT_TEXT  512


static ngx_int_t ngx_cigna_gate_out_create(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static void ngx_cigna_gate_out_init(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf, cigna_gate_out_t *gate);
static ngx_int_t ngx_cigna_gate_out_search(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_gate_out_t *gate, cigna_gate_out_e *verdict);
static cigna_gate_out_e ngx_cigna_gate_out_values(ngx_http_request_t *r,
    ngx_array_t *lines);
static cigna_gate_out_e ngx_cigna_gate_out_blame(ngx_http_request_t *r,
    cigna_slice_t value);
static ngx_uint_t ngx_cigna_gate_out_copied(ngx_http_request_t *r,
    const ngx_str_t *name);
static ngx_int_t ngx_cigna_gate_out_pass(ngx_http_request_t *r,
    cigna_gate_out_t *gate, ngx_buf_t *b, cigna_gate_out_e *verdict);
static ngx_cigna_condition_e ngx_cigna_gate_out_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_gate_out_e verdict);


/* for each verdict: advice to the operator, for the log */

static const char *const  ngx_cigna_gate_out_advice[] = {

    [cigna_gate_out_target] =
        "the path or the query has a byte or a segment that servers read in "
        "different ways; if the caller has escaped it, let \"proxy_pass\" end "
        "with the path of \"fhir_base\" and \"/\", without variables",

    [cigna_gate_out_lines] =
        "a header line that the location sends would break into several; do "
        "not put \"$uri\", a capture or another decoded value into "
        "\"proxy_set_header\"",

    [cigna_gate_out_value] =
        "a value of \"proxy_set_header\" has a line end or another control "
        "byte; set one without, such as \"$ssl_client_escaped_cert\"",

    [cigna_gate_out_request] =
        "it is not an HTTP/1 request of method GET or HEAD; use "
        "\"proxy_pass\" with \"proxy_http_version 1.1\" and without "
        "\"proxy_method\"",

    [cigna_gate_out_base] =
        "its path is not below that of \"fhir_base\"; let \"proxy_pass\" end "
        "with the path of the tenant's \"fhir_base\" and \"/\", without "
        "variables, and the location's name with \"/\""
};


ngx_cigna_condition_e
ngx_cigna_gate_out(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_gate_out_t *gate)
{
    cigna_gate_out_e       verdict;
    ngx_http_upstream_t   *u = r->upstream;
    ngx_cigna_loc_conf_t  *lcf;

    if (ngx_cigna_gate_out_create(r, u) != NGX_OK) {
        return ngx_cigna_condition_internal_error;
    }

    /* nginx has appended the caller's body, which must not be sent */

    u->request_bufs->next = NULL;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    ngx_cigna_gate_out_init(r, ctx, lcf, gate);

    verdict = lcf->set_lines ? ngx_cigna_gate_out_values(r, lcf->set_lines)
                             : cigna_gate_out_passed;

    if (verdict == cigna_gate_out_passed && gate->search
        && ngx_cigna_gate_out_search(r, ctx, gate, &verdict) != NGX_OK)
    {
        return ngx_cigna_condition_internal_error;
    }

    if (verdict == cigna_gate_out_passed
        && ngx_cigna_gate_out_pass(r, gate, u->request_bufs->buf, &verdict)
           != NGX_OK)
    {
        return ngx_cigna_condition_internal_error;
    }

    if (verdict == cigna_gate_out_passed) {
        return ngx_cigna_condition_served;
    }

    return ngx_cigna_gate_out_refuse(r, ctx, verdict);
}


/*
 * Has nginx's proxy write its request.  Angie, a fork of nginx, sets u->method
 * only later, in ngx_http_upstream_init(), so the request begins without a
 * method there.  This function then sets u->method and has the request written
 * once more.  A u->method that was set before would override "proxy_method".
 */

static ngx_int_t
ngx_cigna_gate_out_create(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    ngx_buf_t  *b;

    for ( ;; ) {
        u->request_bufs = NULL;

        if (u->create_request(r) != NGX_OK || u->request_bufs == NULL) {
            return NGX_ERROR;
        }

        b = u->request_bufs->buf;

        if (b->pos == b->last || *b->pos != ' ' || u->method.len) {
            return NGX_OK;
        }

        u->method = r->method_name;
    }
}


static void
ngx_cigna_gate_out_init(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf, cigna_gate_out_t *gate)
{
    ngx_memzero(gate, sizeof(cigna_gate_out_t));

    gate->target = ngx_cigna_slice(&r->upstream->uri);
    gate->host = ngx_cigna_slice(&ctx->tenant->fhir_host);
    gate->base = ctx->tenant->fhir_uri.path;

    if (!ctx->public_metadata) {
        gate->token = ngx_cigna_slice(&ctx->token->value);
    }

    gate->request_id = ngx_cigna_slice(&ctx->trace.request_id);
    gate->traceparent = ctx->trace.parent;
    gate->tracestate = ctx->trace.state;

    gate->links = lcf->links;
    gate->whole = gate->links || lcf->not_found;

    gate->search = ctx->search_by_post;

    if (lcf->set_names) {
        gate->set = lcf->set_names->elts;
        gate->nset = lcf->set_names->nelts;
    }
}


/*
 * makes the query of the GET that replaces a search by POST, from the
 * parameters in the URL and in the body
 */

static ngx_int_t
ngx_cigna_gate_out_search(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_gate_out_t *gate, cigna_gate_out_e *verdict)
{
    size_t         len;
    u_char        *p;
    cigna_buf_t    b;
    cigna_slice_t  query, body;

    query = gate->target;
    (void) cigna_slice_cut(&query, '?');

    body = ngx_cigna_search_body(ctx);
    len = cigna_search_query_max(query.len, body.len);

    p = ngx_cigna_pool_secret_alloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, p, len);

    if (cigna_search_query(query, body, &b) != CIGNA_OK) {
        *verdict = cigna_gate_out_target;
        return NGX_OK;
    }

    gate->query = cigna_buf_slice(&b);

    return NGX_OK;
}


/*
 * A line end in a value of "proxy_set_header" would begin a new header line.
 * In the finished request such a line looks like any other.  So this function
 * checks each value by itself.  Values without variables were checked when
 * nginx started.
 */

static cigna_gate_out_e
ngx_cigna_gate_out_values(ngx_http_request_t *r, ngx_array_t *lines)
{
    ngx_str_t              value;
    ngx_uint_t             i;
    ngx_cigna_set_line_t  *line;

    ngx_str_null(&value);

    line = lines->elts;

    for (i = 0; i < lines->nelts; i++) {

        if (line[i].value
            && (ngx_http_complex_value(r, line[i].value, &value) != NGX_OK
                || !cigna_slice_plain(ngx_cigna_slice(&value))))
        {
            return ngx_cigna_gate_out_blame(r, ngx_cigna_slice(&value));
        }

        if (line[i].odd && ngx_cigna_gate_out_copied(r, &line[i].name)) {
            return cigna_gate_out_lines;
        }
    }

    return cigna_gate_out_passed;
}


/*
 * Finds out whether the caller or the operator is to blame for a value with a
 * control byte.  A caller can send a line end only in the path: nginx decodes
 * nothing else, and refuses header lines with line ends.  So the operator is to
 * blame for a line end if the decoded path has no control byte.  In all other
 * cases the caller is to blame.
 */

static cigna_gate_out_e
ngx_cigna_gate_out_blame(ngx_http_request_t *r, cigna_slice_t value)
{
    return ((cigna_slice_has(value, CR) || cigna_slice_has(value, LF))
            && cigna_slice_plain(ngx_cigna_slice(&r->uri)))
           ? cigna_gate_out_value : cigna_gate_out_lines;
}


/*
 * Returns 1 if nginx would send a caller's header line of this name besides the
 * operator's own line: nginx compares hashes of names, and the hash of the
 * caller's name differs.
 */

static ngx_uint_t
ngx_cigna_gate_out_copied(ngx_http_request_t *r, const ngx_str_t *name)
{
    ngx_uint_t           hash;
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    hash = ngx_hash_key_lc(name->data, name->len);
    header = ngx_cigna_header(&r->headers_in.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        if (h->hash != hash
            && cigna_slice_eq_case(ngx_cigna_slice(&h->key),
                                   ngx_cigna_slice(name)))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Replaces the request in b by the one that cigna_gate_out() writes.  If nginx
 * tries another upstream server, it sends from b->start again.
 */

static ngx_int_t
ngx_cigna_gate_out_pass(ngx_http_request_t *r, cigna_gate_out_t *gate,
    ngx_buf_t *b, cigna_gate_out_e *verdict)
{
    size_t       len;
    u_char      *p;
    cigna_buf_t  to;

    len = cigna_gate_out_max(gate, b->last - b->pos);

    p = ngx_cigna_pool_secret_alloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&to, p, len);

    *verdict = cigna_gate_out(gate, cigna_slice_make(b->pos, b->last), &to);

    b->start = p;
    b->pos = p;
    b->last = to.pos;
    b->end = p + len;
    b->flush = 1;

    return NGX_OK;
}


static ngx_cigna_condition_e
ngx_cigna_gate_out_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_gate_out_e verdict)
{
    u_char                  text[NGX_CIGNA_GATE_OUT_TEXT];
    ngx_str_t               detail;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_condition_e   e;

    e = cigna_gate_out_by_caller(verdict)
        ? ngx_cigna_condition_request_malformed
        : ngx_cigna_condition_destination_refused;

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_gate_refused);

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!ngx_cigna_log_due(&lcf->gate_logged[verdict])) {
        ctx->outcome = ngx_cigna_condition(e)->name;
        return e;
    }

    detail.data = text;
    detail.len = ngx_snprintf(text, NGX_CIGNA_GATE_OUT_TEXT,
                              "the request of location \"%V\" does not leave: "
                              "%s",
                              &lcf->name, ngx_cigna_gate_out_advice[verdict])
                 - text;

    return ngx_cigna_reply_log(r, ctx, e, "fhir", &detail);
}
