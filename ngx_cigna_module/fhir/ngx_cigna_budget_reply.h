
#ifndef _NGX_CIGNA_BUDGET_REPLY_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_REPLY_H_INCLUDED_


#include "budget/ngx_cigna_budget.h"
#include "request/ngx_cigna_reply.h"


/*
 * Answers a request that a budget has refused, with Retry-After, and logs and
 * counts the refusal.  Returns the content handler's result.
 */
ngx_int_t ngx_cigna_budget_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_budget_answer_t *answer);

/* logs and counts a request that is served only because of dry_run */
void ngx_cigna_budget_reply_dry(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_budget_answer_t *answer);

/* returns the name of the condition, as $cigna_budget shows it */
const char *ngx_cigna_budget_reply_name(cigna_budget_by_e by);


#endif /* _NGX_CIGNA_BUDGET_REPLY_H_INCLUDED_ */
