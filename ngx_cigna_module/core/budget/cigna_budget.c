
#include "cigna_budget.h"
#include "cigna_budget_local.h"
#include "cigna_budget_member.h"
#include "cigna_budget_pause.h"


/*
 * The value of "demand" (see cigna_budget_slot.h) for two requests per
 * lease_ns.  With less demand, a call to Redis does not ask for requests that
 * are only expected: they would often expire unused.
 */

#define CIGNA_BUDGET_BUSY  512

/*
 * A call may ask for extra requests, beyond the demand.  Their number grows, up
 * to CIGNA_BUDGET_EXTRA_MAX, with each call for which requests have waited, if
 * requests have waited for at least CIGNA_BUDGET_SCARCE of the last 32 calls.
 */

#define CIGNA_BUDGET_SCARCE     16
#define CIGNA_BUDGET_EXTRA_MAX  1024

/*
 * After this time, a tenant with a long wait asks Redis again: a reload may
 * have changed the rates, or an operator may have deleted the budgets in Redis.
 * The time is at least 3 * lease_ns, so that CIGNA_BUDGET_CALLS_NS is kept.
 */

#define CIGNA_BUDGET_TRUST_NS      INT64_C(3000000000)

#define CIGNA_BUDGET_PAUSE_AGE_NS  (CIGNA_BUDGET_PAUSE_AGE_MS * CIGNA_RATE_MS)

/*
 * wait_ms of a refusal by outage=closed: Redis may be up again after this time
 */

#define CIGNA_BUDGET_CLOSED_MS  1000


static void cigna_budget_judge(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a);
static void cigna_budget_of_member(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a);
static int cigna_budget_dry(const cigna_budget_plan_t *p,
    cigna_budget_by_e by);
static void cigna_budget_pausing(const cigna_budget_t *b,
    cigna_budget_scope_e scope, int64_t pause_ns, cigna_budget_answer_t *a);
static void cigna_budget_open(const cigna_budget_t *b,
    cigna_budget_answer_t *a);
static void cigna_budget_lease(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a);
static int cigna_budget_scant(const cigna_budget_t *b);
static void cigna_budget_spend(cigna_budget_tenant_t *t,
    cigna_budget_answer_t *a);
static void cigna_budget_alone(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a);
static int cigna_budget_probe(const cigna_budget_t *b);
static void cigna_budget_take_local(const cigna_budget_t *b,
    cigna_budget_answer_t *a);
static void cigna_budget_refuse(cigna_budget_answer_t *a,
    cigna_budget_by_e by, int64_t wait_ns);
static void cigna_budget_credit(const cigna_budget_t *b, int64_t want,
    const cigna_budget_grant_t *g);
static void cigna_budget_refused(const cigna_budget_t *b, int64_t want,
    const cigna_budget_grant_t *g);
static void cigna_budget_learn(const cigna_budget_t *b,
    const cigna_budget_lease_reply_t *r);
static void cigna_budget_owe(const cigna_budget_t *b);
static void cigna_budget_expire(const cigna_budget_t *b);
static int cigna_budget_late(const cigna_budget_t *b);
static int64_t cigna_budget_due_ns(const cigna_budget_t *b);
static void cigna_budget_ask(const cigna_budget_t *b, int64_t waiting,
    cigna_budget_answer_t *a);
static void cigna_budget_look(const cigna_budget_t *b,
    cigna_budget_answer_t *a);
static void cigna_budget_make_call(const cigna_budget_t *b, int64_t ask,
    cigna_budget_answer_t *a);
static void cigna_budget_foresee(cigna_budget_tenant_t *t);


void
cigna_budget_decide(const cigna_budget_t *from, unsigned waiting, int again,
    cigna_budget_answer_t *a)
{
    cigna_budget_t  b;

    *a = (cigna_budget_answer_t) { 0 };

    cigna_budget_slot_open(from, &b);

    if (!again && b.member != CIGNA_BUDGET_METADATA) {
        cigna_budget_slot_count(&b);
    }

    cigna_budget_judge(&b, waiting, a);

    if (a->rc == cigna_budget_rc_refused && cigna_budget_dry(b.plan, a->by)) {
        a->rc = cigna_budget_rc_granted;
    }

    cigna_budget_slot_close(&b);
}


static void
cigna_budget_judge(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a)
{
    int64_t               pause_ns;
    cigna_budget_scope_e  scope;

    a->outage_began = cigna_budget_late(b);
    a->outage = b->node->down_ns != 0;

    pause_ns = cigna_budget_pause_left_ns(b, &scope);

    if (pause_ns && !b->plan->gateway_dry) {
        cigna_budget_pausing(b, scope, pause_ns, a);
        return;
    }

    if (b->member == CIGNA_BUDGET_METADATA) {
        cigna_budget_open(b, a);

    } else {
        cigna_budget_of_member(b, waiting, a);
    }

    if (pause_ns && a->rc == cigna_budget_rc_granted) {
        a->by = cigna_budget_by_pause;
    }
}


static void
cigna_budget_of_member(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a)
{
    int64_t  member_ns;

    member_ns = cigna_budget_member_wait_ns(b);

    if (member_ns && !b->plan->member_dry) {
        cigna_budget_refuse(a, cigna_budget_by_member, member_ns);
        return;
    }

    cigna_budget_expire(b);

    if (b->node->down_ns) {
        cigna_budget_alone(b, waiting, a);

    } else {
        cigna_budget_lease(b, waiting, a);
    }

    if (a->rc != cigna_budget_rc_granted) {
        return;
    }

    if (member_ns == 0) {
        cigna_budget_member_charge(b, 1);
        a->member = 1;

    } else if (a->by == cigna_budget_by_none) {
        a->by = cigna_budget_by_member;
    }
}


/*
 * An operator may have ended the pause.  If the pause began some time ago and
 * Redis was not asked lately, the request waits for a new call.  A request for
 * metadata does not wait.
 */

static void
cigna_budget_pausing(const cigna_budget_t *b, cigna_budget_scope_e scope,
    int64_t pause_ns, cigna_budget_answer_t *a)
{
    int  old;

    old = b->now_ns - cigna_budget_pause_of(b, scope)->from_ns
          >= CIGNA_BUDGET_PAUSE_AGE_NS;

    if (b->node->down_ns || old) {
        cigna_budget_look(b, a);
    }

    if (b->node->down_ns == 0 && old
        && b->tenant->under_way && b->member != CIGNA_BUDGET_METADATA)
    {
        a->rc = cigna_budget_rc_waiting;
        a->wait_ms = CIGNA_BUDGET_POLL_MS;
        return;
    }

    cigna_budget_refuse(a, cigna_budget_by_pause, pause_ns);
}


/*
 * decides on a request for metadata; its calls to Redis ask only about pauses
 */

static void
cigna_budget_open(const cigna_budget_t *b, cigna_budget_answer_t *a)
{
    int64_t  wait_ns;

    cigna_budget_look(b, a);

    if (b->node->down_ns && b->plan->outage == cigna_budget_outage_closed) {
        cigna_budget_refuse(a, cigna_budget_by_outage,
                            CIGNA_BUDGET_CLOSED_MS * CIGNA_RATE_MS);
        return;
    }

    wait_ns = cigna_budget_local_metadata(b, 0);

    if (wait_ns == 0) {
        (void) cigna_budget_local_metadata(b, 1);
        a->metadata = 1;
        return;
    }

    cigna_budget_refuse(a, cigna_budget_by_metadata, wait_ns);
}


static int
cigna_budget_dry(const cigna_budget_plan_t *p, cigna_budget_by_e by)
{
    switch (by) {

    case cigna_budget_by_tenant:
        return p->tenant_dry;

    case cigna_budget_by_member:
        return p->member_dry;

    case cigna_budget_by_metadata:
        return p->gateway_dry || p->tenant_dry;

    default: /* the gateway's dry_run is also about pauses and outages */
        return p->gateway_dry;
    }
}


static void
cigna_budget_lease(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a)
{
    int64_t                 due_ns;
    cigna_budget_tenant_t  *t = b->tenant;

    if (t->credits > 0) {
        cigna_budget_spend(t, a);

        if (cigna_budget_scant(b)) {
            cigna_budget_ask(b, waiting ? waiting - 1 : 0, a);
        }

        return;
    }

    if (t->refused_ns > b->now_ns) {
        cigna_budget_refuse(a, (cigna_budget_by_e) t->by,
                            t->refused_ns - b->now_ns);

        if (!t->under_way && b->now_ns - t->asked_ns >= CIGNA_BUDGET_TRUST_NS) {
            cigna_budget_ask(b, waiting, a);
        }

        return;
    }

    due_ns = cigna_budget_due_ns(b);

    a->rc = cigna_budget_rc_waiting;
    a->wait_ms = CIGNA_BUDGET_POLL_MS;

    if (t->under_way) {
        return;
    }

    if (due_ns) {
        t->scarce |= 1;
        a->wait_ms = (due_ns + CIGNA_RATE_MS - 1) / CIGNA_RATE_MS;

    } else {
        cigna_budget_ask(b, waiting, a);
    }
}


/*
 * 1 if a call to Redis is due although the tenant has credits left, because
 * they are fewer than the requests of half of lease_ns
 */

static int
cigna_budget_scant(const cigna_budget_t *b)
{
    cigna_budget_tenant_t  *t = b->tenant;

    return !t->under_way
           && cigna_budget_due_ns(b) == 0
           && t->refused_ns <= b->now_ns
           && b->now_ns - t->asked_ns >= b->plan->lease_ns
           && t->demand >= CIGNA_BUDGET_BUSY
           && t->credits < (int64_t) t->demand / 512;
}


static void
cigna_budget_spend(cigna_budget_tenant_t *t, cigna_budget_answer_t *a)
{
    t->credits--;

    a->leased = 1;
    a->lease = t->lease;

    if (t->tenant_dry > 0) {
        t->tenant_dry--;
        a->by = cigna_budget_by_tenant;
    }

    if (t->gateway_dry > 0) {
        t->gateway_dry--;
        a->by = cigna_budget_by_gateway;
    }
}


/*
 * Decides while Redis is down.  At most once in lease_ns, one of the node's
 * tenants calls Redis, to see whether Redis is back.
 */

static void
cigna_budget_alone(const cigna_budget_t *b, unsigned waiting,
    cigna_budget_answer_t *a)
{
    switch (b->plan->outage) {

    case cigna_budget_outage_local:
        cigna_budget_take_local(b, a);
        break;

    case cigna_budget_outage_open:
        break;

    case cigna_budget_outage_closed:

        if (b->plan->gateway_dry) {
            a->by = cigna_budget_by_outage;
            cigna_budget_take_local(b, a);
            break;
        }

        cigna_budget_refuse(a, cigna_budget_by_outage,
                            CIGNA_BUDGET_CLOSED_MS * CIGNA_RATE_MS);
        break;
    }

    if (cigna_budget_probe(b)) {
        cigna_budget_ask(b, a->rc == cigna_budget_rc_granted ? 0 : waiting, a);
    }
}


/* 1 if this tenant must call Redis, to see whether Redis is back */

static int
cigna_budget_probe(const cigna_budget_t *b)
{
    if (b->tenant->under_way
        || cigna_budget_due_ns(b)
        || b->now_ns - b->node->asked_ns < b->plan->lease_ns)
    {
        return 0;
    }

    b->node->asked_ns = b->now_ns;

    return 1;
}


static void
cigna_budget_take_local(const cigna_budget_t *b, cigna_budget_answer_t *a)
{
    int64_t            wait_ns;
    cigna_budget_by_e  by;

    wait_ns = cigna_budget_local_take(b, &by);

    if (wait_ns) {
        cigna_budget_refuse(a, by, wait_ns);
        return;
    }

    a->local = 1;

    if (by != cigna_budget_by_none) {
        a->by = by;
    }
}


static void
cigna_budget_refuse(cigna_budget_answer_t *a, cigna_budget_by_e by,
    int64_t wait_ns)
{
    a->rc = cigna_budget_rc_refused;
    a->by = by;
    a->wait_ms = wait_ns > 0 ? (wait_ns + CIGNA_RATE_MS - 1) / CIGNA_RATE_MS
                             : 1;
}


int
cigna_budget_leased(const cigna_budget_t *from, uint64_t call, int64_t want,
    const cigna_budget_lease_reply_t *r)
{
    int             back;
    cigna_budget_t  b;

    cigna_budget_slot_open(from, &b);

    back = b.node->down_ns != 0;
    b.node->down_ns = 0;
    b.node->nodes = r->nodes;

    if (b.tenant->call == call) {
        b.tenant->under_way = 0;
    }

    cigna_budget_learn(&b, r);
    cigna_budget_credit(&b, want, &r->grant);
    cigna_budget_refused(&b, want, &r->grant);

    cigna_budget_slot_close(&b);

    return back;
}


static void
cigna_budget_credit(const cigna_budget_t *b, int64_t want,
    const cigna_budget_grant_t *g)
{
    cigna_budget_scope_e    scope;
    cigna_budget_tenant_t  *t = b->tenant;

    cigna_budget_expire(b);

    if (want) {
        t->expiry_ns = b->now_ns + 2 * b->plan->lease_ns;
    }

    if (cigna_budget_pause_left_ns(b, &scope) && !b->plan->gateway_dry) {
        cigna_budget_slot_void(t);

    } else {
        t->credits += g->granted;
        t->gateway_dry += g->gateway_dry;
        t->tenant_dry += g->tenant_dry;
    }

    cigna_budget_local_charge(b, g->granted);
}


/*
 * Called after each reply.  If the reply grants fewer requests than wanted,
 * records until when the tenant need not ask Redis again.  A pause has a record
 * of its own.
 */

static void
cigna_budget_refused(const cigna_budget_t *b, int64_t want,
    const cigna_budget_grant_t *g)
{
    int64_t                 due_ns, lease_ns;
    cigna_budget_tenant_t  *t = b->tenant;

    t->refused_ns = b->now_ns;

    if (g->granted >= want || (g->pause_ns && !b->plan->gateway_dry)) {
        return;
    }

    due_ns = cigna_budget_due_ns(b);
    lease_ns = t->asked_ns + b->plan->lease_ns - b->now_ns;

    if (due_ns < lease_ns) {
        due_ns = lease_ns;
    }

    t->refused_ns += g->wait_ns > due_ns ? g->wait_ns : due_ns;
    t->by = g->by ? g->by : cigna_budget_by_gateway;
}


/*
 * applies pauses that other nodes know of, and ends pauses that an operator
 * ended
 */

static void
cigna_budget_learn(const cigna_budget_t *b,
    const cigna_budget_lease_reply_t *r)
{
    cigna_pause_t  *p;

    if (r->all_ended_ms) {
        cigna_pause_end(&b->origin->all,
                        (r->all_ended_ms - 1) * CIGNA_RATE_MS, b->now_ns);
    }

    if (r->own_ended_ms) {
        cigna_pause_end(&b->tenant->own,
                        (r->own_ended_ms - 1) * CIGNA_RATE_MS, b->now_ns);
    }

    p = cigna_budget_pause_of(b, r->grant.scope);

    if (r->grant.pause_ns > cigna_pause_left_ns(p, b->now_ns)) {
        cigna_pause_learn(p, r->grant.pause_ns, b->now_ns);
    }
}


int
cigna_budget_failed(const cigna_budget_t *from, uint64_t call)
{
    int             began;
    cigna_budget_t  b;

    cigna_budget_slot_open(from, &b);

    if (b.tenant->call == call) {
        b.tenant->under_way = 0;
    }

    began = b.node->down_ns == 0;

    if (began) {
        b.node->down_ns = b.now_ns;
    }

    cigna_budget_slot_close(&b);

    return began;
}


void
cigna_budget_give_back(const cigna_budget_t *from,
    const cigna_budget_answer_t *a)
{
    cigna_budget_t  b;

    cigna_budget_slot_open(from, &b);
    cigna_budget_expire(&b);

    if (a->leased && a->lease == b.tenant->lease
        && b.now_ns < b.tenant->expiry_ns)
    {
        b.tenant->credits++;
    }

    if (a->local) {
        cigna_budget_local_charge(&b, -1);
    }

    if (a->member) {
        cigna_budget_member_charge(&b, -1);
    }

    if (a->metadata) {
        (void) cigna_budget_local_metadata(&b, -1);
    }

    cigna_budget_slot_close(&b);
}


void
cigna_budget_charge_after(const cigna_budget_t *from)
{
    cigna_budget_t  b;

    cigna_budget_slot_open(from, &b);

    if (b.member == CIGNA_BUDGET_METADATA) {
        (void) cigna_budget_local_metadata(&b, 1);

    } else {
        cigna_budget_slot_count(&b);
        cigna_budget_owe(&b);
        cigna_budget_member_charge(&b, 1);
    }

    cigna_budget_slot_close(&b);
}


static void
cigna_budget_owe(const cigna_budget_t *b)
{
    if (b->node->down_ns) {
        cigna_budget_local_charge(b, 1);
        return;
    }

    cigna_budget_expire(b);

    if (b->tenant->credits > -CIGNA_BUDGET_BURST_MAX) {
        b->tenant->credits--;
    }
}


/*
 * Voids the tenant's lease (the requests that Redis has granted) if it has
 * ended.  A pause of all tenants also voids a lease that was made before the
 * pause began.
 */

static void
cigna_budget_expire(const cigna_budget_t *b)
{
    cigna_budget_tenant_t  *t = b->tenant;

    if (t->credits > 0
        && (t->expiry_ns <= b->now_ns
            || (b->origin->all.until_ns
                && t->expiry_ns - 2 * b->plan->lease_ns
                   < b->origin->all.from_ns)))
    {
        cigna_budget_slot_void(t);
        t->extra /= 2;
        t->scarce = 0;
    }
}


/*
 * Gives up the tenant's call to Redis if the worker that made it is gone, or if
 * the call has taken CIGNA_BUDGET_CALL_MS.  Returns 1 if an outage begins,
 * because the call has taken CIGNA_BUDGET_PATIENCE_MS.  Does nothing before
 * lease_ns have passed.
 */

static int
cigna_budget_late(const cigna_budget_t *b)
{
    int64_t                 ns;
    cigna_budget_tenant_t  *t = b->tenant;

    ns = b->now_ns - t->asked_ns;

    if (!t->under_way || ns < b->plan->lease_ns) {
        return 0;
    }

    if (ns >= CIGNA_BUDGET_CALL_MS * CIGNA_RATE_MS
        || (b->alive && !b->alive((int32_t) t->pid)))
    {
        t->under_way = 0;
        return 0;
    }

    if (b->node->down_ns || ns < CIGNA_BUDGET_PATIENCE_MS * CIGNA_RATE_MS) {
        return 0;
    }

    b->node->down_ns = b->now_ns;

    return 1;
}


/* ns until the tenant's next call to Redis may be made */

static int64_t
cigna_budget_due_ns(const cigna_budget_t *b)
{
    int64_t                 ns;
    cigna_budget_tenant_t  *t = b->tenant;

    if (t->call < 2) {
        return 0;
    }

    ns = t->before_ns + CIGNA_BUDGET_CALLS_NS(b->plan->lease_ns) - b->now_ns;

    return ns > 0 ? ns : 0;
}


/*
 * Lets the caller ask Redis for the waiting requests, for the extra requests
 * and, if the demand is high enough, for those of the next 1.5 * lease_ns.  The
 * tenant's credits are subtracted.  The call asks for at least one request.
 */

static void
cigna_budget_ask(const cigna_budget_t *b, int64_t waiting,
    cigna_budget_answer_t *a)
{
    int64_t                 ask;
    cigna_budget_tenant_t  *t = b->tenant;

    cigna_budget_foresee(t);

    ask = waiting - t->credits + (int64_t) t->extra;

    if (t->demand >= CIGNA_BUDGET_BUSY) {
        ask += (int64_t) (t->demand * 3 / 512);
    }

    ask = ask < CIGNA_BUDGET_BURST_MAX ? ask : CIGNA_BUDGET_BURST_MAX;

    cigna_budget_make_call(b, ask > 1 ? ask : 1, a);
}


/*
 * makes a call for 0 requests if one is due, to learn of pauses, or to see
 * whether Redis is back
 */

static void
cigna_budget_look(const cigna_budget_t *b, cigna_budget_answer_t *a)
{
    int                     due;
    cigna_budget_tenant_t  *t = b->tenant;

    due = b->node->down_ns
          ? cigna_budget_probe(b)
          : !t->under_way
            && cigna_budget_due_ns(b) == 0
            && (t->call == 0
                || b->now_ns - t->asked_ns >= CIGNA_BUDGET_PAUSE_AGE_NS);

    if (due) {
        cigna_budget_make_call(b, 0, a);
    }
}


static void
cigna_budget_make_call(const cigna_budget_t *b, int64_t ask,
    cigna_budget_answer_t *a)
{
    cigna_budget_tenant_t  *t = b->tenant;

    t->call++;
    t->before_ns = t->asked_ns;
    t->asked_ns = b->now_ns;
    t->under_way = 1;
    t->pid = b->pid;

    a->call = t->call;
    a->ask = ask;
}


/*
 * Adapts the number of extra requests for which the tenant's calls ask.  A
 * client may send each request only after the reply to the one before.  While
 * its requests wait, such a client seems to need little.  If requests wait
 * again and again, calls ask for more.  If something is left over, calls ask
 * for less.
 */

static void
cigna_budget_foresee(cigna_budget_tenant_t *t)
{
    if ((t->scarce & 1)
        && __builtin_popcountll(t->scarce & UINT32_MAX) >= CIGNA_BUDGET_SCARCE)
    {
        t->extra = t->extra < CIGNA_BUDGET_EXTRA_MAX / 2
                   ? 2 * t->extra + 1 : CIGNA_BUDGET_EXTRA_MAX;

    } else if (t->credits > 0 && (uint64_t) t->credits > t->extra) {
        t->extra /= 2;
    }

    t->scarce <<= 1;
}
