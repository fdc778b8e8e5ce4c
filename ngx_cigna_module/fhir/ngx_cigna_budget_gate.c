
/*
 *   before the upstream     ngx_cigna_budget_gate() asks the budgets; the
 *   request                 request may wait, and "resume" then goes on
 *   next upstream server    ngx_cigna_budget_gate_attempt() charges attempts
 *                           after the first one
 *   header of the reply     ngx_cigna_budget_gate_answered() handles 429 and
 *                           503
 *   repeat after a 401      ngx_cigna_budget_gate() does not ask the budgets
 *                           again; a later step charges the repeat
 *   end of the request      ngx_cigna_budget_gate_cleanup() charges attempts
 *                           that were not charged yet, or gives the first
 *                           charge back if nginx has made no attempt
 *
 * An attempt begins when nginx has chosen a peer and has written the peer's
 * name into r->upstream_states.  In that array a state without a peer precedes
 * each upstream request but the first.  If no server is alive, nginx writes the
 * name of the upstream block as the peer, and makes no attempt.
 */


#include "ngx_cigna_budget_gate.h"
#include "ngx_cigna_budget_reply.h"
#include "ngx_cigna_token.h"
#include "request/ngx_cigna_wait.h"
#include "gateway/ngx_cigna_tenant.h"
#include "shm/ngx_cigna_counters.h"
#include "http/cigna_http_date.h"


static ngx_int_t ngx_cigna_budget_gate_begin(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_http_event_handler_pt resume);
static uint64_t ngx_cigna_budget_gate_member(ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_budget_gate_wait(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_http_event_handler_pt resume);
static void ngx_cigna_budget_gate_handler(ngx_cigna_budget_waiter_t *waiter);
static ngx_int_t ngx_cigna_budget_gate_verdict(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_budget_gate_mark(ngx_http_request_t *r,
    ngx_cigna_budget_gate_t *gate);
static ngx_uint_t ngx_cigna_budget_gate_attempts(ngx_http_request_t *r,
    ngx_cigna_budget_gate_t *gate);
static void ngx_cigna_budget_gate_cleanup(void *data);
static int64_t ngx_cigna_budget_gate_retry_after(ngx_http_upstream_t *u);


ngx_int_t
ngx_cigna_budget_gate(ngx_http_request_t *r, ngx_http_event_handler_pt resume)
{
    ngx_cigna_ctx_t          *ctx;
    ngx_cigna_budget_gate_t  *gate;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    gate = ctx->budget_gate;

    if (gate == NULL) {
        return ngx_cigna_budget_gate_begin(r, ctx, resume);
    }

    switch (gate->state) {

    case ngx_cigna_budget_gate_waiting:
        return ngx_cigna_budget_gate_verdict(r, ctx);

    case ngx_cigna_budget_gate_granted:

        /* a repeat after a 401 is never refused; it is charged later */

        ngx_cigna_budget_gate_attempt(r, gate);
        ngx_cigna_budget_gate_mark(r, gate);

        /* fall through */

    default: /* ngx_cigna_budget_gate_refused */
        return NGX_DECLINED;
    }
}


static ngx_int_t
ngx_cigna_budget_gate_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_http_event_handler_pt resume)
{
    ngx_cigna_budget_gate_t  *gate;
    ngx_http_cleanup_t       *cln;

    gate = ngx_pcalloc(r->pool, sizeof(ngx_cigna_budget_gate_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (gate == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->budget_gate = gate;

    cln->handler = ngx_cigna_budget_gate_cleanup;
    cln->data = gate;

    gate->request = r;
    gate->budget = ctx->tenant->budget;
    gate->waiter.member = ngx_cigna_budget_gate_member(ctx);
    gate->waiter.handler = ngx_cigna_budget_gate_handler;
    gate->waiter.data = gate;

    gate->state = ngx_cigna_budget_gate_waiting;

    if (ngx_cigna_budget_take(gate->budget, &gate->waiter) == NGX_AGAIN) {
        return ngx_cigna_budget_gate_wait(r, ctx, resume);
    }

    return ngx_cigna_budget_gate_verdict(r, ctx);
}


/* returns the first bytes of the member's cache key; metadata has none */

static uint64_t
ngx_cigna_budget_gate_member(ngx_cigna_ctx_t *ctx)
{
    uint64_t  member;

    if (ctx->token->state != ngx_cigna_token_found) {
        return CIGNA_BUDGET_METADATA;
    }

    ngx_memcpy(&member, ctx->token->key.bytes, sizeof(uint64_t));

    return member;
}


/*
 * makes the request wait for its budget; needs no timer, because the budget
 * calls the handler in any case
 */

static ngx_int_t
ngx_cigna_budget_gate_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_http_event_handler_pt resume)
{
    ctx->budget_gate->since = ngx_current_msec;

    return ngx_cigna_wait_init(r, ctx) == NGX_OK
           && ngx_cigna_wait_until(ctx->wait, resume) == NGX_AGAIN
           ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static void
ngx_cigna_budget_gate_handler(ngx_cigna_budget_waiter_t *waiter)
{
    ngx_cigna_ctx_t          *ctx;
    ngx_cigna_budget_gate_t  *gate = waiter->data;

    ctx = ngx_http_get_module_ctx(gate->request, ngx_cigna_module);

    gate->waited = ngx_current_msec - gate->since;

    ngx_cigna_wait_end(ctx->wait);
}


static ngx_int_t
ngx_cigna_budget_gate_verdict(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_budget_gate_t  *gate = ctx->budget_gate;
    cigna_budget_answer_t    *a;

    a = &gate->waiter.answer;

    if (a->rc != cigna_budget_rc_granted) {
        gate->state = ngx_cigna_budget_gate_refused;
        return ngx_cigna_budget_reply(r, ctx, a);
    }

    if (a->by != cigna_budget_by_none) {
        ngx_cigna_budget_reply_dry(r, ctx, a);
    }

    if (gate->waiter.delayed) {
        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_budget_delayed);
    }

    gate->state = ngx_cigna_budget_gate_granted;
    ngx_cigna_budget_gate_mark(r, gate);

    return NGX_DECLINED;
}


/* notes where the next upstream request's states begin in r->upstream_states */

static void
ngx_cigna_budget_gate_mark(ngx_http_request_t *r,
    ngx_cigna_budget_gate_t *gate)
{
    gate->first = r->upstream_states ? r->upstream_states->nelts : 0;
    gate->charged = 0;
}


/*
 * charges new attempts, but not the very first one, which
 * ngx_cigna_budget_take() charged
 */

void
ngx_cigna_budget_gate_attempt(ngx_http_request_t *r,
    ngx_cigna_budget_gate_t *gate)
{
    ngx_uint_t  n;

    for (n = ngx_cigna_budget_gate_attempts(r, gate);
         gate->charged < n;
         gate->charged++)
    {
        if (gate->sent) {
            ngx_cigna_budget_charge(gate->budget, &gate->waiter);
        }

        gate->sent = 1;
    }
}


/* returns how many attempts the current upstream request has made */

static ngx_uint_t
ngx_cigna_budget_gate_attempts(ngx_http_request_t *r,
    ngx_cigna_budget_gate_t *gate)
{
    ngx_str_t                  *none;
    ngx_uint_t                  i, n;
    ngx_http_upstream_t        *u;
    ngx_http_upstream_state_t  *state;

    if (r->upstream_states == NULL) {
        return 0;
    }

    u = r->upstream;
    none = u && u->conf && u->conf->upstream ? &u->conf->upstream->host : NULL;

    n = 0;
    i = gate->first;
    state = r->upstream_states->elts;

    if (i > 0) {
        i++;
    }

    for ( /* void */ ; i < r->upstream_states->nelts; i++) {
        if (state[i].peer == NULL) {
            break;
        }

        n += state[i].peer != none;
    }

    return n;
}


static void
ngx_cigna_budget_gate_cleanup(void *data)
{
    ngx_cigna_budget_gate_t *gate = data;

    ngx_cigna_budget_leave(&gate->waiter);

    if (gate->state == ngx_cigna_budget_gate_refused
        || gate->waiter.answer.rc != cigna_budget_rc_granted)
    {
        return;
    }

    if (gate->state == ngx_cigna_budget_gate_granted) {
        ngx_cigna_budget_gate_attempt(gate->request, gate);
    }

    if (!gate->sent) {
        ngx_cigna_budget_return(gate->budget, &gate->waiter);
    }
}


/*
 * A status of 429, or of 503 with Retry-After, begins a pause.  nginx must then
 * not try the next server of the upstream.
 */

void
ngx_cigna_budget_gate_answered(ngx_http_request_t *r)
{
    ngx_uint_t            status;
    ngx_cigna_ctx_t      *ctx;
    ngx_http_upstream_t  *u = r->upstream;

    status = u->headers_in.status_n;

    if (status != NGX_HTTP_TOO_MANY_REQUESTS
        && status != NGX_HTTP_SERVICE_UNAVAILABLE)
    {
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ctx->outcome =
            ngx_cigna_condition(ngx_cigna_condition_upstream_throttled)->name;
    }

    if (ngx_cigna_budget_pause_answered(&ctx->budget_gate->budget->pause,
                                        status,
                                        ngx_cigna_budget_gate_retry_after(u))
        == NGX_BUSY)
    {
        u->peer.tries = ngx_min(u->peer.tries, 1);
    }
}


/* returns the ms of Retry-After; -1: no such line, or a malformed one */

static int64_t
ngx_cigna_budget_gate_retry_after(ngx_http_upstream_t *u)
{
    int64_t     now_s, ms;
    ngx_str_t  *value, *date;

    value = ngx_cigna_header_line(&u->headers_in.headers, "Retry-After", NULL);

    if (value == NULL) {
        return -1;
    }

    date = ngx_cigna_header_line(&u->headers_in.headers, "Date", NULL);

    if (date == NULL
        || cigna_http_date_parse(ngx_cigna_slice(date), ngx_time(), &now_s)
           != CIGNA_OK)
    {
        now_s = ngx_time();
    }

    (void) cigna_retry_after_parse(ngx_cigna_slice(value), now_s, &ms);

    return ms;
}


const char *
ngx_cigna_budget_gate_name(const ngx_cigna_budget_gate_t *gate)
{
    if (gate->state != ngx_cigna_budget_gate_granted
        && gate->state != ngx_cigna_budget_gate_refused)
    {
        return NULL;
    }

    if (gate->waiter.answer.by != cigna_budget_by_none) {
        return ngx_cigna_budget_reply_name(gate->waiter.answer.by);
    }

    return gate->waiter.delayed ? "delayed" : "granted";
}
