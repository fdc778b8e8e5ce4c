
#include "cigna_budget_call.h"
#include "cigna_pause.h"


/* in a script's reply: the most ms until the end of a wait or pause */

#define CIGNA_BUDGET_MS_MAX  (INT64_C(2) * 24 * 3600 * 1000)

/* in a script's reply: the most ms since the end of a pause, plus 1 */

#define CIGNA_BUDGET_SINCE_MAX  (INT64_MAX / CIGNA_RATE_MS)


static void cigna_budget_reason(cigna_buf_t *b,
    const cigna_budget_names_t *names, unsigned status,
    int64_t retry_after_ms);
static int cigna_budget_node_bad(cigna_slice_t node);
static int cigna_budget_names_bad(const cigna_budget_names_t *names);
static void cigna_budget_number(cigna_buf_t *b, int64_t n);
static void cigna_budget_numbers(cigna_buf_t *b, const cigna_gcra_limit_t *l,
    int64_t max_ns);
static int cigna_budget_said(const cigna_reply_t *reply, size_t count);
static int cigna_budget_int(const cigna_reply_t *reply, size_t i, int64_t max,
    int64_t *n);


int
cigna_budget_lease_argv(const cigna_budget_plan_t *p,
    const cigna_budget_names_t *names, int64_t want,
    uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc)
{
    cigna_buf_t  b;

    if (cigna_budget_node_bad(names->node) || cigna_budget_names_bad(names)) {
        return CIGNA_ERROR;
    }

    want = want < 0 ? 0 : want < CIGNA_BUDGET_BURST_MAX
                          ? want : CIGNA_BUDGET_BURST_MAX;

    cigna_buf_init(&b, mem, CIGNA_BUDGET_CALL_MEM);

    cigna_buf_append_uint(&b, (uint64_t) want);
    cigna_budget_number(&b, CIGNA_BUDGET_NODE_MS * 1000);
    cigna_budget_number(&b, CIGNA_BUDGET_NODES_MAX);

    cigna_budget_numbers(&b, &p->gateway, p->gateway_max_ns);
    cigna_budget_numbers(&b, &p->minimum, p->minimum.span_ns);
    cigna_budget_numbers(&b, &p->tenant, p->tenant.span_ns);

    cigna_budget_number(&b, p->ramp_all_ns);
    cigna_budget_number(&b, p->ramp_own_ns);
    cigna_budget_number(&b, 2 * p->lease_ns);
    cigna_budget_number(&b, p->gateway_dry);
    cigna_budget_number(&b, p->tenant_dry);

    argv[0] = names->key;
    argv[1] = names->node;
    argv[2] = names->tenant;
    argv[3] = cigna_buf_slice(&b);
    argv[4] = names->origin;
    *argc = 5;

    return b.overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_budget_pause_argv(const cigna_budget_names_t *names,
    const cigna_budget_cause_t *cause, uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc)
{
    int          all;
    int64_t      ms;
    cigna_buf_t  b;

    if (cigna_budget_names_bad(names)) {
        return CIGNA_ERROR;
    }

    ms = cause->retry_after_ms < CIGNA_RETRY_AFTER_MAX_MS
         ? cause->retry_after_ms : CIGNA_RETRY_AFTER_MAX_MS;
    all = (cause->scope == cigna_budget_scope_all);

    argv[0] = names->key;

    cigna_buf_init(&b, mem, CIGNA_BUDGET_CALL_MEM);

    cigna_buf_append_str(&b, all ? "o:" : "h:");
    cigna_buf_append(&b, all ? names->origin : names->tenant);

    argv[1] = cigna_buf_slice(&b);
    b.start = b.pos;

    cigna_buf_append_uint(&b, ms > 0 ? (uint64_t) ms * 1000 : 0);
    cigna_budget_number(&b, cause->jitter < CIGNA_PAUSE_JITTER_MAX
                            ? cause->jitter : CIGNA_PAUSE_JITTER_MAX);

    argv[2] = cigna_buf_slice(&b);
    b.start = b.pos;

    cigna_budget_reason(&b, names, cause->status, ms);

    argv[3] = cigna_buf_slice(&b);
    *argc = 4;

    return b.overflow ? CIGNA_ERROR : CIGNA_OK;
}


/* describes the reply that asked for the pause, for scripts/vault */

static void
cigna_budget_reason(cigna_buf_t *b, const cigna_budget_names_t *names,
    unsigned status, int64_t retry_after_ms)
{
    cigna_buf_append_uint(b, status);

    if (retry_after_ms < 0) {
        cigna_buf_append_str(b, " -");

    } else {
        cigna_budget_number(b, (retry_after_ms + 999) / 1000);
    }

    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, names->origin);
    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, names->tenant);
}


static int
cigna_budget_node_bad(cigna_slice_t node)
{
    size_t  i;

    for (i = 0; i < node.len; i++) {
        if (!cigna_slice_alnum(node.data[i])) {
            return 1;
        }
    }

    return node.len == 0 || node.len > CIGNA_BUDGET_NAME_MAX;
}


/* 1 if the tenant's name or the origin cannot be sent */

static int
cigna_budget_names_bad(const cigna_budget_names_t *names)
{
    return names->tenant.len == 0
           || names->tenant.len > CIGNA_BUDGET_NAME_MAX
           || names->origin.len == 0
           || names->origin.len > CIGNA_BUDGET_ORIGIN_MAX
           || cigna_slice_has(names->origin, ' ');
}


static void
cigna_budget_number(cigna_buf_t *b, int64_t n)
{
    cigna_buf_append_char(b, ' ');
    cigna_buf_append_uint(b, (uint64_t) n);
}


/*
 * Appends interval, span and highest level of a limit.  The highest level is
 * twice the span, or twice max_ns if that is longer: some requests are charged
 * without a check, see cigna_budget_local.c.
 */

static void
cigna_budget_numbers(cigna_buf_t *b, const cigna_gcra_limit_t *l,
    int64_t max_ns)
{
    cigna_budget_number(b, l->every_ns);
    cigna_budget_number(b, l->span_ns);
    cigna_budget_number(b, 2 * (max_ns > l->span_ns ? max_ns : l->span_ns));
}


/*
 * the comment of budget_lease in cigna_budget_scripts.c lists the numbers of
 * the reply
 */

int
cigna_budget_lease_parse(const cigna_reply_t *reply,
    cigna_budget_lease_reply_t *r)
{
    size_t   i;
    int64_t  n[11];

    static const int64_t  max[] = {
        0, CIGNA_BUDGET_BURST_MAX, CIGNA_BUDGET_MS_MAX, cigna_budget_by_pause,
        CIGNA_BUDGET_NODES_MAX, CIGNA_BUDGET_MS_MAX, cigna_budget_scope_all,
        CIGNA_BUDGET_BURST_MAX, CIGNA_BUDGET_BURST_MAX, CIGNA_BUDGET_SINCE_MAX,
        CIGNA_BUDGET_SINCE_MAX
    };

    if (!cigna_budget_said(reply, 11)) {
        return CIGNA_ERROR;
    }

    for (i = 1; i < 11; i++) {
        if (cigna_budget_int(reply, i, max[i], &n[i]) != CIGNA_OK) {
            return CIGNA_ERROR;
        }
    }

    if (n[4] == 0 || n[7] > n[1] || n[8] > n[1]) {
        return CIGNA_ERROR;
    }

    *r = (cigna_budget_lease_reply_t) {
        .grant = {
            .granted = n[1], .wait_ns = n[2] * CIGNA_RATE_MS,
            .by = (cigna_budget_by_e) n[3], .pause_ns = n[5] * CIGNA_RATE_MS,
            .scope = (cigna_budget_scope_e) n[6], .gateway_dry = n[7],
            .tenant_dry = n[8]
        },
        .nodes = (unsigned) n[4], .all_ended_ms = n[9], .own_ended_ms = n[10]
    };

    return CIGNA_OK;
}


int
cigna_budget_pause_parse(const cigna_reply_t *reply, int64_t *left_ms)
{
    return cigna_budget_said(reply, 2)
           ? cigna_budget_int(reply, 1, CIGNA_BUDGET_MS_MAX, left_ms)
           : CIGNA_ERROR;
}


static int
cigna_budget_said(const cigna_reply_t *reply, size_t count)
{
    return cigna_reply_type(reply) == cigna_reply_array
           && cigna_reply_count(reply) == count
           && cigna_slice_eq(cigna_reply_slice(cigna_reply_item(reply, 0)),
                             cigna_slice("ok"));
}


static int
cigna_budget_int(const cigna_reply_t *reply, size_t i, int64_t max, int64_t *n)
{
    *n = cigna_reply_int(cigna_reply_item(reply, i), -1);

    return *n >= 0 && *n <= max ? CIGNA_OK : CIGNA_ERROR;
}
