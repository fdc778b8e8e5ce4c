
#include "ngx_cigna_refusal.h"
#include "request/ngx_cigna_reply.h"


ngx_int_t
ngx_cigna_refusal(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_cigna_condition_e  e;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    e = ctx->token->condition;

    ngx_cigna_reply_log(r, ctx, e, "fhir", NULL);

    return ngx_cigna_reply_condition(r, ctx, e, ngx_cigna_reply_fhir,
                                     ctx->token->retry_after_s,
                                     e == ngx_cigna_condition_method_refused
                                         ? "GET, HEAD" : NULL);
}
