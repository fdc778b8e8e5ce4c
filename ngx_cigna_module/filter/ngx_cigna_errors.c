
/*
 * What happens to a reply with an error status, or with a Content-Type that
 * does not tell whether the body is JSON:
 *
 *   nginx's own  -------------------------------------> replaced
 *   neither JSON nor FHIR, or known to be empty ------> replaced
 *   JSON of unknown length  --> peeked --> empty  ----> replaced
 *                                      --> not  ------> passes
 *   500, cigna_not_found  ----> peeked --> unknown id -> passes as a 404
 *                                      --> else  -----> passes
 *   no error, text/plain or
 *   no type, links=on  -----> peeked ---------------> passes
 *
 * "Replaced": the filter sends an OperationOutcome in place of the first piece
 * of the original body, and discards the rest of that body.  "Peeked": the
 * filter keeps a bounded copy of the body's beginning, and sends nothing until
 * it has examined the copy.
 */


#include "ngx_cigna_errors.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"
#include "shm/ngx_cigna_counters.h"
#include "fhir/cigna_link_filter.h"
#include "fhir/cigna_unknown_id.h"


#define NGX_CIGNA_ERRORS_ABOUT  sizeof("The status is 999.")

/*
 * The number of bytes at the beginning of a body that tell whether it is JSON.
 * A BOM and white space may stand among them.
 */
#define NGX_CIGNA_ERRORS_START  64


struct ngx_cigna_errors_s {
    ngx_str_t         outcome;             /* the body that replaces the
                                              original body */
    ngx_buf_t         peeked;              /* the beginning of the body */

    unsigned          replaced:1;
    unsigned          sent:1;              /* the outcome was sent */
    unsigned          peeking:1;
    unsigned          unknown_id:1;        /* the body may say that an id is
                                              unknown */
    unsigned          untyped:1;           /* the type is unclear: the body may
                                              be JSON */
    unsigned          json:1;              /* the body is JSON */
};


typedef struct {
    ngx_uint_t        status;
    const char       *issue;
} ngx_cigna_errors_issue_t;


static ngx_int_t ngx_cigna_errors_own(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_errors_theirs(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_uint_t ngx_cigna_errors_may_be_json(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_errors_peek(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, size_t size);
static ngx_int_t ngx_cigna_errors_replace(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_uint_t generic);
static const char *ngx_cigna_errors_issue(ngx_uint_t status);
static void ngx_cigna_errors_lines(ngx_http_request_t *r);
static void ngx_cigna_errors_drop(ngx_http_request_t *r,
    const ngx_str_t *names);
static ngx_int_t ngx_cigna_errors_collect(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_chain_t **in);
static ngx_uint_t ngx_cigna_errors_copy(ngx_http_request_t *r,
    ngx_cigna_errors_t *errors, ngx_buf_t *b);
static ngx_uint_t ngx_cigna_errors_look(ngx_cigna_errors_t *errors);
static ngx_int_t ngx_cigna_errors_judge(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_chain_t **in);
static ngx_int_t ngx_cigna_errors_empty(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_chain_t **in);
static void ngx_cigna_errors_before(ngx_chain_t *cl, ngx_chain_t *rest);
static ngx_int_t ngx_cigna_errors_swallow(ngx_http_request_t *r,
    ngx_cigna_errors_t *errors, ngx_chain_t **in);


/*
 * The code of a FHIR issue for each status.  Other statuses get "invalid" (4xx)
 * or "exception" (5xx).
 */

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

        if (!ngx_cigna_errors_may_be_json(r, ctx, lcf)
            || ngx_cigna_errors_peek(r, ctx, NGX_CIGNA_ERRORS_START)
               != NGX_AGAIN)
        {
            return NGX_OK;
        }

        ctx->errors->untyped = 1;

        return NGX_AGAIN;
    }

    /* a page of nginx: the module's own replies do not set err_status */

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
 * nginx clears u->cleanup when the upstream has ended, and before nginx sends
 * its own error page.  If the filter has held the beginning of a reply back to
 * read it, the upstream may have ended, but the reply is still the upstream's.
 */

ngx_uint_t
ngx_cigna_errors_upstreams(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    return r == r->main
           && ctx != NULL
           && ctx->may_leave
           && r->upstream != NULL
           && (r->upstream->cleanup != NULL
               || (ctx->errors != NULL && !ctx->errors->replaced));
}


/* replaces a page of nginx; does not log, as nginx has logged the error */

static ngx_int_t
ngx_cigna_errors_own(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_condition_e  e;

    switch (r->headers_out.status) {

    case NGX_HTTP_BAD_GATEWAY:
        e = ngx_cigna_condition_upstream_unreachable;
        break;

    case NGX_HTTP_GATEWAY_TIME_OUT:
        e = ngx_cigna_condition_upstream_late;
        break;

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        e = ngx_cigna_condition_internal_error;
        break;

    default:
        e = ngx_cigna_condition_request_refused;
        break;
    }

    return ngx_cigna_errors_replace(r, ctx, e,
                                    e == ngx_cigna_condition_request_refused);
}


static ngx_int_t
ngx_cigna_errors_theirs(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t   rc;
    ngx_uint_t  unknown_id;

    if ((!ngx_cigna_errors_json(r, ctx)
         && !ngx_cigna_errors_typed(r, "/fhir+xml"))
        || r->headers_out.content_length_n == 0)
    {
        ngx_cigna_count(ctx->tenant->counters,
                        ngx_cigna_count_errors_replaced);

        return ngx_cigna_errors_replace(r, ctx,
                                        ngx_cigna_condition_upstream_error, 1);
    }

    /* a reply to HEAD has no body, and an encoded body cannot be read */

    if (r->method == NGX_HTTP_HEAD || ngx_cigna_errors_encoded(r)) {
        return NGX_OK;
    }

    unknown_id = lcf->not_found
                 && r->headers_out.status == NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (!unknown_id && r->headers_out.content_length_n > 0) {
        return NGX_OK;
    }

    rc = ngx_cigna_errors_peek(r, ctx, unknown_id ? CIGNA_UNKNOWN_ID_MAX : 1);

    if (rc == NGX_AGAIN) {
        ctx->errors->unknown_id = unknown_id;
    }

    return rc;
}


/* returns 1 if links=on, and the body has no clear type but may be JSON */

static ngx_uint_t
ngx_cigna_errors_may_be_json(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
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


/* cuts parameters off, because nginx's content_type_len may include some */

ngx_uint_t
ngx_cigna_errors_typed(ngx_http_request_t *r, const char *end)
{
    cigna_slice_t  type;

    type = ngx_cigna_slice(&r->headers_out.content_type);
    type = cigna_slice_trim(cigna_slice_cut(&type, ';'));

    return cigna_slice_ends_case(type, cigna_slice_str(end));
}


/* Content-Encoding: identity means that the body is not encoded */

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
ngx_cigna_errors_peek(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    size_t size)
{
    ngx_cigna_errors_t  *errors;

    errors = ngx_pcalloc(r->pool, sizeof(ngx_cigna_errors_t));
    if (errors == NULL) {
        return NGX_ERROR;
    }

    errors->peeked.start = ngx_pnalloc(r->pool, size);
    if (errors->peeked.start == NULL) {
        return NGX_ERROR;
    }

    errors->peeked.pos = errors->peeked.start;
    errors->peeked.last = errors->peeked.start;
    errors->peeked.end = errors->peeked.start + size;

    errors->peeking = 1;

    ctx->errors = errors;
    r->filter_need_in_memory = 1;

    return NGX_AGAIN;
}


/*
 * Replaces the reply by an OperationOutcome.  generic: 1 if its code and a part
 * of its text come from the status; 0 if both come from the condition's row.
 */

static ngx_int_t
ngx_cigna_errors_replace(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_uint_t generic)
{
    ngx_str_t  body;

    ctx->outcome = ngx_cigna_condition(e)->name;

    if (generic) {
        ctx->issue = ngx_cigna_errors_issue(r->headers_out.status);

        if (ngx_cigna_reply_print(r->pool, &ctx->about, NGX_CIGNA_ERRORS_ABOUT,
                                  "The status is %03ui.", r->headers_out.status)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_cigna_reply_body(r, ctx, e, ngx_cigna_reply_fhir, &body) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_errors_put(r, ctx, r->headers_out.status,
                                NGX_CIGNA_REPLY_FHIR_TYPE, &body);
}


ngx_int_t
ngx_cigna_errors_put(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_uint_t status, const char *type, const ngx_str_t *body)
{
    ctx->errors = ngx_pcalloc(r->pool, sizeof(ngx_cigna_errors_t));
    if (ctx->errors == NULL) {
        return NGX_ERROR;
    }

    ctx->errors->replaced = 1;
    ctx->errors->outcome = *body;

    ngx_cigna_errors_lines(r);
    ngx_cigna_reply_type(r, type);

    if (r->headers_out.status != status) {
        r->headers_out.status = status;
        ngx_str_null(&r->headers_out.status_line);
    }

    r->headers_out.content_length_n = body->len;

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


/* drops header lines about the original body */

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
    ngx_uint_t           n;
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    header = ngx_cigna_header(&r->headers_out.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        for (n = 0; names[n].len; n++) {

            if (cigna_slice_eq_case(ngx_cigna_slice(&h->key),
                                    ngx_cigna_slice(&names[n])))
            {
                h->hash = 0;
            }
        }
    }
}


ngx_int_t
ngx_cigna_errors_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in)
{
    if (ctx->errors->peeking) {
        return ngx_cigna_errors_collect(r, ctx, in);
    }

    if (ctx->errors->replaced) {
        return ngx_cigna_errors_swallow(r, ctx->errors, in);
    }

    return NGX_OK;
}


/*
 * copies the body, or its beginning, to "peeked", and examines the copy when it
 * is complete
 */

static ngx_int_t
ngx_cigna_errors_collect(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
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
 * Copies bytes, and returns 1 if the copy is complete.  nginx sends an empty
 * buffer with the flag "flush" in two cases.  If the upstream has closed the
 * connection too early, nginx has ended the upstream, and no bytes will follow.
 * With "proxy_buffering off" nginx also sends such a buffer after the header,
 * when the upstream has not ended yet.  Only in the
 * first case the buffer completes the copy.
 */

static ngx_uint_t
ngx_cigna_errors_copy(ngx_http_request_t *r, ngx_cigna_errors_t *errors,
    ngx_buf_t *b)
{
    size_t      n;
    ngx_buf_t  *peeked;

    peeked = &errors->peeked;

    if (ngx_buf_in_memory(b)) {

        n = ngx_min(b->last - b->pos, peeked->end - peeked->last);

        peeked->last = ngx_cpymem(peeked->last, b->pos, n);
        b->pos += n;
    }

    return peeked->last == peeked->end
           || b->last_buf
           || (errors->untyped && ngx_cigna_errors_look(errors))
           || (ngx_buf_special(b) && b->flush
               && r->upstream->cleanup == NULL);
}


/* sets errors->json; returns 0 if the copy is too short to decide */

static ngx_uint_t
ngx_cigna_errors_look(ngx_cigna_errors_t *errors)
{
    int  rc;

    rc = cigna_link_filter_begin(cigna_slice_make(errors->peeked.pos,
                                                  errors->peeked.last));
    errors->json = (rc == CIGNA_OK);

    return rc != CIGNA_AGAIN;
}


static ngx_int_t
ngx_cigna_errors_judge(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in)
{
    ngx_buf_t           *peeked;
    ngx_chain_t         *cl;
    ngx_cigna_errors_t  *errors = ctx->errors;

    peeked = &errors->peeked;

    errors->peeking = 0;

    if (peeked->last == peeked->pos) {
        return errors->untyped ? NGX_DONE : ngx_cigna_errors_empty(r, ctx, in);
    }

    if (errors->untyped) {
        (void) ngx_cigna_errors_look(errors);
    }

    if (errors->unknown_id
        && cigna_unknown_id(cigna_slice_make(peeked->pos, peeked->last)))
    {
        r->headers_out.status = NGX_HTTP_NOT_FOUND;
        ngx_str_null(&r->headers_out.status_line);

        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_not_found);
    }

    cl = ngx_cigna_reply_chain(r, peeked->pos, peeked->last);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    ngx_cigna_errors_before(cl, *in);
    *in = cl;

    return NGX_DONE;
}


static ngx_int_t
ngx_cigna_errors_empty(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in)
{
    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_errors_replaced);

    if (ngx_cigna_errors_replace(r, ctx, ngx_cigna_condition_upstream_error, 1)
            != NGX_OK
        || ngx_cigna_errors_swallow(r, ctx->errors, in) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


/*
 * Puts cl, which has the copied beginning of the body, in front of "rest".  If
 * the first buffer of "rest" is empty, cl replaces that buffer.
 */

static void
ngx_cigna_errors_before(ngx_chain_t *cl, ngx_chain_t *rest)
{
    ngx_buf_t  *b = rest->buf;

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

    cl = ngx_cigna_reply_chain(r, errors->outcome.data,
                               errors->outcome.data + errors->outcome.len);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->last_buf = 1;
    cl->buf->last_in_chain = 1;

    *in = cl;

    return NGX_OK;
}
