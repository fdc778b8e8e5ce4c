
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/cigna_form.h"
#include "world_actors.h"


/* the driver: performs the flows' operations, and tells flows the results */

#define WORLD_BODY_MAX  8192


/*
 * the result of an operation, which lives until the flow has handled the event
 */

typedef struct {
    cigna_reply_t  *reply;
    uint8_t        *body;
} world_result_t;


static cigna_ev_e
world_ended(world_fault_e fault)
{
    switch (fault) {

    case world_unsent:
        return cigna_ev_unsent;

    case world_lost_before:
    case world_lost_after:
        return cigna_ev_lost;

    default:
        return cigna_ev_ok;
    }
}


/* ends the program if a command other than AUTH has a secret in clear */

static void
world_no_secrets(const cigna_op_t *op)
{
    unsigned  i;

    if (cigna_slice_eq(op->redis.argv[0], cigna_slice("AUTH"))) {
        return;
    }

    for (i = 0; i < op->redis.argc; i++) {
        if (op->redis.argv[i].len
            && memmem(op->redis.argv[i].data, op->redis.argv[i].len,
                      WORLD_MARKER,
                      sizeof(WORLD_MARKER) - 1))
        {
            world_fail("a secret goes to Redis in clear");
        }
    }
}


static void
world_do_redis(world_t *w, world_actor_t *a, world_fault_e fault,
    cigna_event_t *ev, world_result_t *result)
{
    static const char  error[] = "-LOADING Redis is loading the dataset\r\n";

    world_no_secrets(&a->op);

    a->redis_faults += fault != world_fine;

    if (a->op.type == cigna_op_script) {
        a->published = w->redis.published;
    }

    if (fault == world_fine || fault == world_lost_after) {
        result->reply = world_redis(&w->redis, &a->op);

    } else if (fault == world_error) {
        result->reply = world_reply(error, sizeof(error) - 1);
    }

    if (ev->type == cigna_ev_ok) {
        ev->reply = result->reply;

        if (a->op.redis.durable && w->redis.replicated) {
            world_replicate(&w->redis);
        }
    }
}


int
world_keep(world_t *w, world_actor_t *a, const cigna_script_t *script)
{
    int             mine;
    cigna_op_t      op;
    cigna_reply_t  *reply;

    cigna_flow_script(&op, script, a->op.http.lease.argv,
                      a->op.http.lease.argc);

    reply = world_redis(&w->redis, &op);
    mine = cigna_slice_eq(cigna_reply_slice(cigna_reply_item(reply, 0)),
                          cigna_slice("mine"));
    cigna_reply_destroy(reply);

    return mine;
}


void
world_renew(world_t *w, world_actor_t *a)
{
    if (!world_keep(w, a, a->op.http.lease.renew)) {
        (void) world_keep(w, a, a->op.http.lease.retake);
    }

    a->renewals++;
}


/*
 * Moves the clock until the reply comes, or until the deadline if that is
 * earlier.  Meanwhile renews the lease, if the actor has one (cigna_lease.h).
 * Returns the fault: a late reply is lost.
 */

static world_fault_e
world_wait(world_t *w, world_actor_t *a, world_fault_e fault)
{
    int64_t  ms, lease_ms, passed;

    ms = w->delay_ms;

    if (ms > WORLD_HTTP_MS) {
        ms = WORLD_HTTP_MS;
        fault = fault == world_fine || fault == world_error ? world_lost_after
                                                            : fault;
    }

    lease_ms = a->op.http.lease.ms;

    for (passed = 0;
         a->op.http.lease.renew && ms - passed > lease_ms;
         passed += lease_ms)
    {
        w->now_ms += lease_ms;
        world_renew(w, a);
    }

    w->now_ms += ms - passed;

    return fault;
}


/*
 * Counts a token request.  Ends the program unless it is the run's first, or
 * the second one with the other secret after invalid_client.
 */

static void
world_sent(world_actor_t *a)
{
    char           secret[sizeof(a->sent)];
    uint8_t        mem[256];
    cigna_arena_t  arena;
    cigna_slice_t  value;

    cigna_arena_init(&arena, mem, sizeof(mem));

    if (cigna_form_get(a->op.http.request.body, cigna_slice("client_secret"),
                       &arena,
                       &value)
        != CIGNA_OK)
    {
        world_fail("a token request without a secret");
    }

    (void) snprintf(secret, sizeof(secret), "%.*s", (int) value.len,
                    value.data);

    if (a->tokens_sent++
        && (a->tokens_sent > 2 || !a->turned || strcmp(secret, a->sent) == 0))
    {
        world_fail("a token request is sent twice in a run");
    }

    memcpy(a->sent, secret, sizeof(secret));
}


static void
world_do_http(world_t *w, world_actor_t *a, world_fault_e fault,
    cigna_event_t *ev, world_result_t *result)
{
    int        token;
    char      *text;
    size_t     len;
    unsigned   status;

    if (fault == world_unsent) {
        return;
    }

    token = cigna_slice_eq(a->op.http.request.url, w->provider.token_endpoint);

    if (token) {
        world_sent(a);
        a->lost += fault == world_lost_before || fault == world_lost_after;
    }

    text = malloc(WORLD_BODY_MAX);
    status = world_http(&w->auth, &a->op.http.request, fault, text,
                        WORLD_BODY_MAX);

    if (token && ev->type == cigna_ev_ok) {
        a->turned |= w->provider.older_secret.len
                     && (status == 400 || status == 401)
                     && strstr(text, "\"error\":\"invalid_client\"");
    }

    if (ev->type == cigna_ev_ok) {
        len = strlen(text);
        result->body = malloc(len + 1);
        memcpy(result->body, text, len);

        if (cigna_slice_eq(a->op.http.request.url,
                           w->provider.token_endpoint)) {
            w->fleet.endpoint.heard_ms = w->now_ms;
        }

        ev->status = status;
        ev->body = (cigna_slice_t) { result->body, len };
        ev->retry_after_s = w->auth.answer_retry_after_s;
    }

    free(text);
}


/*
 * Sends a revocation once.  The flow does not wait for the result, and must
 * have reported before.
 */

static void
world_do_revoke(world_t *w, world_actor_t *a, world_fault_e fault)
{
    char                  text[8];
    cigna_arena_t         arena;
    cigna_http_request_t  req;
    static uint8_t        mem[64 * 1024];

    if (a->reports == 0) {
        world_fail("the member waits for a revocation");
    }

    if (w->provider.revocation_endpoint.len == 0 || fault == world_unsent) {
        return;
    }

    cigna_arena_init(&arena, mem, sizeof(mem));

    if (cigna_oauth_revoke_request(&w->provider, w->provider.client_secret,
                                   a->op.revoke.token,
                                   a->op.revoke.refresh_token ? "refresh_token"
                                                       : "access_token",
                                   &arena, &req)
        != CIGNA_OK)
    {
        world_fail("nothing to revoke");
    }

    (void) world_http(&w->auth, &req, fault, text, sizeof(text));
}


void
world_step(world_t *w, world_actor_t *a, world_fault_e fault)
{
    int             waited;
    int64_t         wake_ms;
    cigna_event_t   ev;
    world_result_t  result;

    if (a->done || ++a->steps > WORLD_STEPS) {
        world_fail("a flow does not end, or goes on after its end");
    }

    memset(&ev, 0, sizeof(cigna_event_t));
    memset(&result, 0, sizeof(world_result_t));
    ev.retry_after_s = -1;
    waited = a->op.type == cigna_op_http;

    switch (a->op.type) {

    case cigna_op_redis:
    case cigna_op_script:
        a->faults += fault != world_fine;
        ev.type = world_ended(fault);
        world_do_redis(w, a, fault, &ev, &result);
        break;

    case cigna_op_http:
        fault = world_wait(w, a, fault);
        a->faults += fault != world_fine;
        ev.type = world_ended(fault);
        world_do_http(w, a, fault, &ev, &result);
        break;

    case cigna_op_turn:
        ev.type = w->fleet.no_turn || fault != world_fine ? cigna_ev_unsent
                                                    : cigna_ev_ok;
        ev.retry_after_s = w->fleet.no_turn ? 7 : -1;
        break;

    case cigna_op_revoke:
        a->faults += fault != world_fine;
        world_do_revoke(w, a, fault);
        ev.type = cigna_ev_ok;
        break;

    case cigna_op_sleep:
        ev.type = a->steps == 1 ? cigna_ev_start : cigna_ev_ok;
        wake_ms = world_wake_ms(w, a);
        w->now_ms = wake_ms > w->now_ms ? wake_ms : w->now_ms;
        break;

    case cigna_op_journal:
        ev.type = world_journal(&w->fleet, a->node, &a->op.journal.entry,
                                a->op.journal.confirmed)
                  == CIGNA_OK ? cigna_ev_ok : cigna_ev_unsent;
        break;

    case cigna_op_settle:
        world_settle(&w->fleet, a->node, &a->op.journal.entry,
                     a->op.journal.confirmed);
        ev.type = cigna_ev_ok;
        break;

    case cigna_op_report:
        ev.type = cigna_ev_ok;
        break;

    case cigna_op_done:
        break;
    }

    w->now_ms += waited ? 0 : w->delay_ms;
    ev.now_ms = w->now_ms;
    ev.quiet_ms = w->fleet.quiet_until_ms > w->now_ms
                  ? w->fleet.quiet_until_ms - w->now_ms : 0;
    world_random(w, ev.random, CIGNA_RANDOM_LEN);

    /*
     * fills *op with nonsense, so that tests notice the use of a field that the
     * flow has not set
     */

    memset(&a->op, 0xa5, sizeof(cigna_op_t));

    if (a->verdict) {
        a->verdict->endpoint = w->fleet.endpoint;
        world_ahead(&w->fleet, a->node, a->verdict);
    }

    a->next(&a->flow, &ev, &a->op);

    cigna_reply_destroy(result.reply);
    free(result.body);

    a->asked_ms = w->now_ms;
    a->done = a->op.type == cigna_op_done;
    a->reports += a->op.type == cigna_op_report;

    if (a->op.type == cigna_op_sleep) {
        a->wake_ms = w->now_ms + a->op.sleep.ms;
    }

    if (a->watch) {
        a->watch(w, a);
    }
}


int64_t
world_wake_ms(const world_t *w, const world_actor_t *a)
{
    int64_t  heard_ms;

    heard_ms = w->redis.published_ms + WORLD_HEARD_MS;

    return a->op.type == cigna_op_sleep && a->op.sleep.watch && !w->redis.deaf
           && w->redis.published != a->published && heard_ms < a->wake_ms
           ? heard_ms : a->wake_ms;
}


void
world_run(world_t *w, world_actor_t *a)
{
    while (!a->done) {
        world_step(w, a, world_fine);
    }
}


int
world_run_fault(world_t *w, world_actor_t *a, unsigned nth,
    world_fault_e fault)
{
    unsigned  n;

    n = 0;

    while (!a->done) {
        if (a->op.type == cigna_op_redis || a->op.type == cigna_op_script
            || a->op.type == cigna_op_http)
        {
            n++;
        }

        world_step(w, a, n == nth && a->faults == 0 ? fault : world_fine);
    }

    return n >= nth;
}


void
world_connected(world_t *w)
{
    char           code[64], state[64], secret[64];
    world_actor_t  a;

    a.watch = NULL;
    world_connect(w, &a, "");
    world_run(w, &a);

    if (a.flow.connect.outcome != cigna_dance_outcome_none
        || world_login(&w->auth, a.flow.connect.location, code,
                       state) != CIGNA_OK)
    {
        world_fail("the dance has not started");
    }

    (void) snprintf(secret, sizeof(secret), "%.*s",
                    (int) a.flow.connect.secret.len,
                    a.flow.connect.secret.data);
    world_end(&a);

    world_callback(w, &a, code, state, secret);
    world_run(w, &a);

    if (a.flow.callback.outcome != cigna_dance_outcome_connected) {
        world_fail(a.flow.callback.detail);
    }

    world_end(&a);
}
