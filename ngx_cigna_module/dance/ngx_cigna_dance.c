
#include "ngx_cigna_dance.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "jobs/ngx_cigna_revoker.h"
#include "request/ngx_cigna_identity.h"
#include "shm/ngx_cigna_counters.h"
#include "dance/cigna_dance_id.h"
#include "http/cigna_form.h"

#include <openssl/rand.h>


#define NGX_CIGNA_RETURN_EXTRA  128        /* bytes of outcome and dance id */


static ngx_int_t ngx_cigna_dance_return_url(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_slice_t return_to, ngx_str_t *url);
static ngx_int_t ngx_cigna_dance_default(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_str_t *url);


void
ngx_cigna_dance_refused(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const char *what, cigna_dance_outcome_e outcome, const char *detail)
{
    cigna_vault_names_t    *id;
    ngx_cigna_dance_end_t   end;

    (void) ngx_cigna_dance_reference(r, ctx);

    ngx_memzero(&end, sizeof(ngx_cigna_dance_end_t));

    end.what = what;
    end.outcome = outcome;
    end.tenant = ctx->tenant;
    end.dance = ngx_cigna_slice(&ctx->dance);
    end.request = ngx_cigna_request_id(r);
    end.detail = detail;

    if (ctx->tenant && ctx->member.len) {

        id = ngx_cigna_identity_names(r, ctx);

        if (id != NULL) {
            end.member.data = id->hash;
            end.member.len = CIGNA_NAME_LEN;
        }
    }

    ngx_cigna_dance_end(r->connection->log, &end);
    ngx_cigna_dance_tell(r, ctx, outcome, cigna_slice_null);
}


cigna_dance_outcome_e
ngx_cigna_dance_outcome(const ngx_cigna_run_t *run, cigna_dance_outcome_e flow,
    cigna_dance_outcome_e failed)
{
    if (!run->failed) {
        return flow;
    }

    return run->no_endpoints ? cigna_dance_outcome_discovery_failed : failed;
}


ngx_int_t
ngx_cigna_dance_reference(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    u_char       random[CIGNA_DANCE_ID_BYTES];
    cigna_buf_t  b;

    if (ctx->dance.len) {
        return NGX_OK;
    }

    if (RAND_bytes(random, sizeof(random)) != 1
        || ngx_cigna_buf_init(r, &b, CIGNA_DANCE_ID_LEN) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cigna_dance_id_append(&b, random);

    return ngx_cigna_buf_done(&b, &ctx->dance);
}


void
ngx_cigna_dance_tell(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t dance)
{
    ngx_str_t  id;

    ctx->outcome.data = (u_char *) cigna_dance_outcome_row(outcome)->name;
    ctx->outcome.len = ngx_strlen(ctx->outcome.data);

    if (dance.len == 0) {
        return;
    }

    id = ngx_cigna_str(dance);
    id.data = ngx_pstrdup(r->pool, &id);

    if (id.data != NULL) {
        ctx->dance = id;
    }
}


ngx_int_t
ngx_cigna_dance_page(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome)
{
    ngx_str_t  body;

    if (ngx_cigna_dance_page_make(r, ctx, outcome, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply(r, cigna_dance_outcome_row(outcome)->status,
                           NGX_CIGNA_PAGE_TYPE, &body);
}


ngx_int_t
ngx_cigna_dance_page_make(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, ngx_str_t *body)
{
    ngx_str_t                     back;
    ngx_cigna_page_t              page;
    ngx_cigna_srv_conf_t         *scf;
    const cigna_dance_outcome_t  *row;

    row = cigna_dance_outcome_row(outcome);

    if (ngx_cigna_dance_default(r, ctx, &back) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&page, sizeof(ngx_cigna_page_t));

    page.status = row->status;
    page.title = cigna_slice_str(row->title);
    page.text = cigna_slice_str(row->text);
    page.reference = ngx_cigna_slice(&ctx->dance);
    page.back = ngx_cigna_slice(&back);

    if (row->retry) {
        scf = ngx_http_get_module_srv_conf(r, ngx_cigna_module);
        page.again = ngx_cigna_slice(&scf->connect_path);
    }

    return ngx_cigna_page_make(r, &page, body);
}


ngx_int_t
ngx_cigna_dance_ask(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t url)
{
    ngx_str_t         back;
    ngx_cigna_page_t  page;

    if (ngx_cigna_dance_default(r, ctx, &back) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&page, sizeof(ngx_cigna_page_t));

    page.status = NGX_HTTP_OK;
    page.title = cigna_slice("Connect your Cigna account?");
    page.text = cigna_slice("Another site has brought you here. If you want to "
                            "connect your Cigna account to the app, continue: "
                            "you will sign in at Cigna.");
    page.connect = url;
    page.back = ngx_cigna_slice(&back);

    return ngx_cigna_page_send(r, &page);
}


ngx_int_t
ngx_cigna_dance_return(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t return_to)
{
    ngx_str_t  url;

    if (return_to.len == 0) {

        if (ngx_cigna_dance_default(r, ctx, &url) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return_to = ngx_cigna_slice(&url);
    }

    if (return_to.len == 0) {
        return ngx_cigna_dance_page(r, ctx, outcome);
    }

    if (ngx_cigna_dance_return_url(r, ctx, return_to, &url) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply_redirect(r, NGX_HTTP_SEE_OTHER, &url);
}


/* makes the URL: return_to with the outcome and the dance id in its query */

static ngx_int_t
ngx_cigna_dance_return_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t return_to, ngx_str_t *url)
{
    uint8_t        *start;
    cigna_buf_t     b;
    cigna_slice_t   query;

    const cigna_slice_t  names[] = {
        cigna_slice("cigna"), cigna_slice("cigna_dance")
    };

    if (ngx_cigna_buf_init(r, &b, return_to.len + NGX_CIGNA_RETURN_EXTRA)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    query = return_to;

    cigna_buf_append(&b, cigna_slice_cut(&query, '?'));
    cigna_buf_append_char(&b, '?');

    start = b.pos;

    /* return_to may already have the outcome of an earlier dance */

    cigna_form_append_without(&b, query, names, 2);

    cigna_form_append_pair(&b, start, names[0], ngx_cigna_slice(&ctx->outcome));

    if (ctx->dance.len) {
        cigna_form_append_pair(&b, start, names[1],
                               ngx_cigna_slice(&ctx->dance));
    }

    return ngx_cigna_buf_done(&b, url);
}


/* sets *url to the tenant's first return_to, or to "" if there is none */

static ngx_int_t
ngx_cigna_dance_default(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *url)
{
    cigna_uri_t  *uri;
    cigna_buf_t   b;

    ngx_str_null(url);

    if (ctx->tenant == NULL || ctx->tenant->provider.nreturn_to == 0) {
        return NGX_OK;
    }

    uri = &ctx->tenant->provider.return_to[0];

    if (ngx_cigna_buf_init(r, &b, uri->text.len + NGX_CIGNA_RETURN_EXTRA)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cigna_uri_append(&b, uri);

    return ngx_cigna_buf_done(&b, url);
}


ngx_cigna_run_t *
ngx_cigna_dance_run(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const char *what, size_t flow_size, size_t arena_size)
{
    cigna_vault_names_t  *id;
    ngx_cigna_run_t      *run;

    id = ngx_cigna_identity_names(r, ctx);

    if (id == NULL || ngx_cigna_wait_init(r, ctx) != NGX_OK) {
        return NULL;
    }

    run = ngx_cigna_run_create(ctx->mcf, ctx->tenant, what,
                               ngx_cigna_request_id(r), flow_size, arena_size);
    if (run == NULL) {
        return NULL;
    }

    ngx_cigna_run_identify(run, id);

    run->on.revoke = ngx_cigna_revoker_start;

    if (ngx_cigna_identity_key(ctx, &run->key) != NGX_OK) {
        ngx_cigna_run_destroy(run);
        return NULL;
    }

    return run;
}


ngx_int_t
ngx_cigna_dance_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_run_t *run, ngx_msec_t timeout, ngx_cigna_wait_reply_pt reply)
{
    ctx->wait->reply = reply;

    if (ngx_cigna_wait_run(ctx->wait, run, timeout, ngx_cigna_wait_reply)
        != NGX_AGAIN)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    return NGX_DONE;
}
