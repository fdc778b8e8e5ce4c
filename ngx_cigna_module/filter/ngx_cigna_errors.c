
/*
 * A reply with an error, or one whose type says nothing:
 *
 *   nginx's own  ------------------------------------> replaced
 *   no JSON, or known to be empty  ------------------> replaced
 *   JSON of unknown length  ---> held ---> empty  ---> replaced
 *                                     ---> not  -----> passes
 *   500, cigna_not_found  -----> held ---> "is not known" --> passes as a 404
 *                                     ---> else  ---> passes
 *   no error, text/plain or
 *   no type, links on  ----------> held ----------------> passes
 *
 * "Replaced" sends the outcome with the first piece of the original body, and
 * throws that and all the following ones away.  "Held" keeps a copy of the
 * beginning, bounded, and sends nothing.
 */


#include "ngx_cigna_errors.h"
#include "fhir/ngx_cigna_inject.h"
#include "request/ngx_cigna_reply.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "fhir/cigna_link_filter.h"
#include "fhir/cigna_unknown_id.h"


#define NGX_CIGNA_ERRORS_ABOUT  sizeof("The status is 999.")

/* a byte order mark and white space in front of JSON */
#define NGX_CIGNA_ERRORS_PEEK   64


struct ngx_cigna_errors_s {
    ngx_str_t         body;                /* of a replaced one */
    ngx_buf_t         held;                /* the beginning of a held one */

    unsigned          replaced:1;
    unsigned          sent:1;              /* body */
    unsigned          holding:1;
    unsigned          search:1;            /* for "is not known" */
    unsigned          peek:1;              /* is it JSON? */
    unsigned          json:1;              /* it is */
};


typedef struct {
    ngx_uint_t        status;
    const char       *issue;
} ngx_cigna_errors_issue_t;


static ngx_int_t ngx_cigna_errors_own(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_errors_theirs(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_uint_t ngx_cigna_errors_peeks(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_errors_hold(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, size_t size);
static ngx_int_t ngx_cigna_errors_replace(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_uint_t generic);
static const char *ngx_cigna_errors_issue(ngx_uint_t status);
static void ngx_cigna_errors_lines(ngx_http_request_t *r);
static void ngx_cigna_errors_drop(ngx_http_request_t *r,
    const ngx_str_t *names);
static ngx_int_t ngx_cigna_errors_keep(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_chain_t **in);
static ngx_uint_t ngx_cigna_errors_copy(ngx_http_request_t *r,
    ngx_cigna_errors_t *errors, ngx_buf_t *b);
static ngx_uint_t ngx_cigna_errors_begun(ngx_cigna_errors_t *errors);
static ngx_int_t ngx_cigna_errors_judge(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_chain_t **in);
static void ngx_cigna_errors_before(ngx_chain_t *cl, ngx_chain_t *rest);
static ngx_int_t ngx_cigna_errors_swallow(ngx_http_request_t *r,
    ngx_cigna_errors_t *errors, ngx_chain_t **in);
static ngx_chain_t *ngx_cigna_errors_link(ngx_http_request_t *r, u_char *pos,
    u_char *last);


/* codes of FHIR's issue-type, by status; the rest by hundreds */

static const ngx_cigna_errors_issue_t  ngx_cigna_errors_issues[] = {
    { 401, "login" },
    { 402, "business-rule" },
    { 403, "forbidden" },
    { 404, "not-found" },
    { 405, "not-supported" },
    { 406, "not-supported" },
    { 408, "timeout" },
    { 409, "conflict" },
    { 410, "deleted" },
    { 412, "conflict" },
    { 413, "too-long" },
    { 414, "too-long" },
    { 415, "not-supported" },
    { 422, "processing" },
    { 423, "lock-error" },
    { 429, "throttled" },
    { 501, "not-supported" },
    { 502, "transient" },
    { 503, "transient" },
    { 504, "timeout" },
    { 0, NULL }
};


ngx_int_t
ngx_cigna_errors_header(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf)
{
    if (r != r->main) {
        return NGX_OK;
    }

    if (r->headers_out.status < NGX_HTTP_BAD_REQUEST) {

        if (!ngx_cigna_errors_peeks(r, ctx, lcf)
            || ngx_cigna_errors_hold(r, ctx, NGX_CIGNA_ERRORS_PEEK)
               != NGX_AGAIN)
        {
            return NGX_OK;
        }

        ctx->errors->peek = 1;

        return NGX_AGAIN;
    }

    /* what a handler of ours sends has no err_status */

    if (r->err_status == r->headers_out.status) {
        return ngx_cigna_errors_own(r, ctx);
    }

    if (ngx_cigna_errors_upstreams(r, ctx)) {
        return ngx_cigna_errors_theirs(r, ctx, lcf);
    }

    return NGX_OK;
}


ngx_uint_t
ngx_cigna_errors_replaced(ngx_cigna_ctx_t *ctx)
{
    return ctx->errors != NULL && ctx->errors->replaced;
}


/*
 * While an upstream's reply is passed on, its cleanup is set; one that was held
 * may have ended already.
 */

ngx_uint_t
ngx_cigna_errors_upstreams(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    return r == r->main
           && ctx != NULL
           && ctx->inject != NULL
           && ctx->inject->decided
           && r->upstream != NULL
           && (r->upstream->cleanup != NULL
               || (ctx->errors != NULL && !ctx->errors->replaced));
}


/* nginx has logged it already */

static ngx_int_t
ngx_cigna_errors_own(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    switch (r->headers_out.status) {

    case NGX_HTTP_BAD_GATEWAY:
        return ngx_cigna_errors_replace(r, ctx, ngx_cigna_condition_upstream_unreachable,
                                        0);

    case NGX_HTTP_GATEWAY_TIME_OUT:
        return ngx_cigna_errors_replace(r, ctx,
                                        ngx_cigna_condition_upstream_late, 0);

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        return ngx_cigna_errors_replace(r, ctx,
                                        ngx_cigna_condition_internal_error, 0);

    default:
        return ngx_cigna_errors_replace(r, ctx,
                                        ngx_cigna_condition_request_refused, 1);
    }
}


static ngx_int_t
ngx_cigna_errors_theirs(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf)
{
    size_t      size;
    ngx_int_t   rc;
    ngx_uint_t  search;

    if ((!ngx_cigna_errors_json(r, ctx)
         && !ngx_cigna_errors_typed(r, "/fhir+xml"))
        || r->headers_out.content_length_n == 0)
    {
        ngx_cigna_count(ctx->tenant->counters,
                        ngx_cigna_count_errors_replaced);

        return ngx_cigna_errors_replace(r, ctx,
                                        ngx_cigna_condition_upstream_error, 1);
    }

    /* of a reply to HEAD no more can be known, and of a compressed one */

    if (r->method == NGX_HTTP_HEAD || ngx_cigna_errors_encoded(r)) {
        return NGX_OK;
    }

    search = lcf->not_found
             && r->headers_out.status == NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (!search && r->headers_out.content_length_n > 0) {
        return NGX_OK;
    }

    size = search ? CIGNA_UNKNOWN_ID_MAX : 1;
    rc = ngx_cigna_errors_hold(r, ctx, size);

    if (rc == NGX_AGAIN) {
        ctx->errors->search = search;
    }

    return rc;
}


/* a body that may be JSON, though nobody says so, and whose links lead here */

static ngx_uint_t
ngx_cigna_errors_peeks(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf)
{
    switch (r->headers_out.status) {

    case NGX_HTTP_NO_CONTENT:
    case NGX_HTTP_PARTIAL_CONTENT:
    case NGX_HTTP_NOT_MODIFIED:
        return 0;

    default:
        return lcf->links
               && ngx_cigna_errors_untyped(r)
               && ngx_cigna_errors_upstreams(r, ctx)
               && r->method != NGX_HTTP_HEAD
               && r->headers_out.content_length_n != 0
               && !ngx_cigna_errors_encoded(r);
    }
}


ngx_uint_t
ngx_cigna_errors_untyped(ngx_http_request_t *r)
{
    return r->headers_out.content_type.len == 0
           || ngx_cigna_errors_typed(r, "text/plain");
}


ngx_uint_t
ngx_cigna_errors_json(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    return ngx_cigna_errors_typed(r, "/json")
           || ngx_cigna_errors_typed(r, "+json")
           || ngx_cigna_errors_typed(r, "/json+fhir")
           || (ctx->errors && ctx->errors->json);
}


/* "; fhirVersion=4.0" is in content_type_len, "; charset=utf-8" is not */

ngx_uint_t
ngx_cigna_errors_typed(ngx_http_request_t *r, const char *end)
{
    cigna_slice_t  type;

    type = ngx_cigna_slice(&r->headers_out.content_type);
    type = cigna_slice_trim(cigna_slice_cut(&type, ';'));

    return cigna_slice_ends_case(type, cigna_slice_str(end));
}


/* "identity" is no name for how a body is encoded, and means that it is not */

ngx_uint_t
ngx_cigna_errors_encoded(ngx_http_request_t *r)
{
    ngx_str_t  *value;

    if (r->headers_out.content_encoding == NULL) {
        return 0;
    }

    value = &r->headers_out.content_encoding->value;

    return value->len
           && !cigna_slice_eq_case(ngx_cigna_slice(value),
                                   cigna_slice("identity"));
}


static ngx_int_t
ngx_cigna_errors_hold(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    size_t size)
{
    ngx_cigna_errors_t  *errors;

    errors = ngx_pcalloc(r->pool, sizeof(ngx_cigna_errors_t));
    if (errors == NULL) {
        return NGX_ERROR;
    }

    errors->held.start = ngx_pnalloc(r->pool, size);
    if (errors->held.start == NULL) {
        return NGX_ERROR;
    }

    errors->held.pos = errors->held.start;
    errors->held.last = errors->held.start;
    errors->held.end = errors->held.start + size;

    errors->holding = 1;

    ctx->errors = errors;
    r->filter_need_in_memory = 1;

    return NGX_AGAIN;
}


/* generic: the table does not know of which kind the error is */

static ngx_int_t
ngx_cigna_errors_replace(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_uint_t generic)
{
    u_char              *p;
    const char          *type;
    ngx_cigna_errors_t  *errors;

    errors = ngx_pcalloc(r->pool, sizeof(ngx_cigna_errors_t));
    if (errors == NULL) {
        return NGX_ERROR;
    }

    ctx->errors = errors;
    ctx->outcome = ngx_cigna_condition(e)->name;
    errors->replaced = 1;

    if (generic) {
        ctx->issue = ngx_cigna_errors_issue(r->headers_out.status);

        p = ngx_pnalloc(r->pool, NGX_CIGNA_ERRORS_ABOUT);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ctx->about.data = p;
        ctx->about.len = ngx_snprintf(p, NGX_CIGNA_ERRORS_ABOUT,
                                      "The status is %03ui.",
                                      r->headers_out.status) - p;
    }

    if (ngx_cigna_reply_body(r, ctx, e, ngx_cigna_reply_fhir, &errors->body)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_cigna_errors_lines(r);

    type = ngx_cigna_reply_fhir_type(r);

    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = errors->body.len;

    return NGX_OK;
}


static const char *
ngx_cigna_errors_issue(ngx_uint_t status)
{
    const ngx_cigna_errors_issue_t  *i;

    for (i = ngx_cigna_errors_issues; i->status; i++) {
        if (i->status == status) {
            return i->issue;
        }
    }

    return status < NGX_HTTP_INTERNAL_SERVER_ERROR ? "invalid" : "exception";
}


/* what the header says of the original body */

static void
ngx_cigna_errors_lines(ngx_http_request_t *r)
{
    static const ngx_str_t  names[] = {
        ngx_string("Content-Encoding"),
        ngx_string("Content-Language"),
        ngx_string("Content-Location"),
        ngx_string("Content-Disposition"),
        ngx_string("Content-Range"),
        ngx_null_string
    };

    ngx_cigna_errors_drop(r, names);
    ngx_cigna_errors_digests(r);

    r->headers_out.content_encoding = NULL;
    ngx_str_null(&r->headers_out.charset);
    r->headers_out.override_charset = NULL;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);
}


void
ngx_cigna_errors_digests(ngx_http_request_t *r)
{
    static const ngx_str_t  names[] = {
        ngx_string("Content-MD5"),
        ngx_string("Content-Digest"),
        ngx_string("Repr-Digest"),
        ngx_string("Digest"),
        ngx_null_string
    };

    ngx_cigna_errors_drop(r, names);
}


static void
ngx_cigna_errors_drop(ngx_http_request_t *r, const ngx_str_t *names)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            for (n = 0; names[n].len; n++) {

                if (h[i].key.len == names[n].len
                    && ngx_strncasecmp(h[i].key.data, names[n].data,
                                       names[n].len) == 0)
                {
                    h[i].hash = 0;
                }
            }
        }
    }
}


ngx_int_t
ngx_cigna_errors_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in)
{
    if (ctx->errors->holding) {
        return ngx_cigna_errors_keep(r, ctx, in);
    }

    if (ctx->errors->replaced) {
        return ngx_cigna_errors_swallow(r, ctx->errors, in);
    }

    return NGX_OK;
}


/* what is full, or has ended, is judged */

static ngx_int_t
ngx_cigna_errors_keep(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in)
{
    ngx_chain_t  *cl;

    for (cl = *in; cl; cl = cl->next) {

        if (ngx_cigna_errors_copy(r, ctx->errors, cl->buf)) {
            *in = cl;
            return ngx_cigna_errors_judge(r, ctx, in);
        }
    }

    *in = NULL;

    return NGX_AGAIN;
}


/*
 * 1 if no more is needed, or comes: an empty buffer that is to be flushed is
 * what nginx sends when an upstream's reply has been cut off, and has done with
 * it then.  Without buffering it also sends one behind the header.
 */

static ngx_uint_t
ngx_cigna_errors_copy(ngx_http_request_t *r, ngx_cigna_errors_t *errors,
    ngx_buf_t *b)
{
    size_t      n;
    ngx_buf_t  *held;

    held = &errors->held;

    if (ngx_buf_in_memory(b)) {

        n = ngx_min(b->last - b->pos, held->end - held->last);

        held->last = ngx_cpymem(held->last, b->pos, n);
        b->pos += n;
    }

    return held->last == held->end
           || b->last_buf
           || (errors->peek && ngx_cigna_errors_begun(errors))
           || (ngx_buf_special(b) && b->flush
               && r->upstream->cleanup == NULL);
}


/* is it known whether the body is JSON? */

static ngx_uint_t
ngx_cigna_errors_begun(ngx_cigna_errors_t *errors)
{
    int  rc;

    rc = cigna_link_filter_begin(cigna_slice_make(errors->held.pos,
                                                  errors->held.last));
    errors->json = (rc == CIGNA_OK);

    return rc != CIGNA_AGAIN;
}


static ngx_int_t
ngx_cigna_errors_judge(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in)
{
    ngx_buf_t           *held;
    ngx_chain_t         *cl;
    ngx_cigna_errors_t  *errors;

    errors = ctx->errors;
    held = &errors->held;

    errors->holding = 0;

    if (held->last == held->pos && errors->peek) {
        return NGX_DONE;
    }

    if (held->last == held->pos) {

        ngx_cigna_count(ctx->tenant->counters,
                        ngx_cigna_count_errors_replaced);

        if (ngx_cigna_errors_replace(r, ctx, ngx_cigna_condition_upstream_error, 1)
            != NGX_OK
            || ngx_cigna_errors_swallow(r, ctx->errors, in) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return NGX_DONE;
    }

    if (errors->peek) {
        (void) ngx_cigna_errors_begun(errors);
    }

    if (errors->search
        && cigna_unknown_id(cigna_slice_make(held->pos, held->last)))
    {
        r->headers_out.status = NGX_HTTP_NOT_FOUND;
        ngx_str_null(&r->headers_out.status_line);

        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_not_found);
    }

    cl = ngx_cigna_errors_link(r, held->pos, held->last);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    ngx_cigna_errors_before(cl, *in);
    *in = cl;

    return NGX_DONE;
}


/* of a buffer whose bytes have all been copied only what it says is left */

static void
ngx_cigna_errors_before(ngx_chain_t *cl, ngx_chain_t *rest)
{
    ngx_buf_t  *b;

    b = rest->buf;

    if (ngx_buf_size(b) > 0) {
        cl->next = rest;
        return;
    }

    cl->buf->last_buf = b->last_buf;
    cl->buf->last_in_chain = b->last_in_chain;
    cl->buf->flush = b->flush;

    cl->next = rest->next;
}


static ngx_int_t
ngx_cigna_errors_swallow(ngx_http_request_t *r, ngx_cigna_errors_t *errors,
    ngx_chain_t **in)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (*in == NULL) {
        return NGX_OK;
    }

    for (cl = *in; cl; cl = cl->next) {

        b = cl->buf;
        b->pos = b->last;

        if (b->in_file) {
            b->file_pos = b->file_last;
        }
    }

    *in = NULL;

    if (errors->sent) {
        return NGX_OK;
    }

    errors->sent = 1;

    cl = ngx_cigna_errors_link(r, errors->body.data,
                               errors->body.data + errors->body.len);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->last_buf = 1;
    cl->buf->last_in_chain = 1;

    *in = cl;

    return NGX_OK;
}


static ngx_chain_t *
ngx_cigna_errors_link(ngx_http_request_t *r, u_char *pos, u_char *last)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(r->pool);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    b->pos = pos;
    b->last = last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    return cl;
}
