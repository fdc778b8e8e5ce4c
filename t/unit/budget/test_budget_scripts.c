
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "budgeting.h"
#include "budget_model.h"
#include "redis_server.h"

#include "budget/cigna_budget_scripts.h"


/*
 * The budgets' scripts on a real Redis: as they are, and changed so that they
 * take the time from a test.  Changed scripts and the model in C must give the
 * same replies.
 */

#define TENANTS  3
#define NOW_US   INT64_C(1793000000000000)


static redis_server_t  server;
static redisContext   *redis;
static char            scripts[2][8192];   /* changed to the test's clock */


/* changes a script: its last two arguments replace the result of TIME */

static void
set_clock(char *to, const char *text)
{
    char               *at;
    size_t              len;
    static const char   call[] = "redis.call('TIME')";
    static const char   args[] = "{ARGV[#ARGV-1], ARGV[#ARGV]}";

    (void) strcpy(to, text);

    at = strstr(to, call);
    assert_non_null(at);

    len = strlen(at + sizeof(call) - 1);
    memmove(at + sizeof(args) - 1, at + sizeof(call) - 1, len + 1);
    memcpy(at, args, sizeof(args) - 1);
}


static int
start_server(void **state)
{
    (void) state;

    if (redis_server_start(&server, 0) != 0
        || cigna_budget_scripts_init() != CIGNA_OK)
    {
        return -1;
    }

    redis = server.redis;

    set_clock(scripts[0], cigna_budget_script(cigna_budget_script_lease)->text);
    set_clock(scripts[1], cigna_budget_script(cigna_budget_script_pause)->text);

    return 0;
}


static int
stop_server(void **state)
{
    (void) state;

    return redis_server_stop(&server);
}


static int
flush(void **state)
{
    redisReply  *reply;

    (void) state;

    reply = redisCommand(redis, "FLUSHALL");
    assert_non_null(reply);
    freeReplyObject(reply);

    return 0;
}


/* runs a script at the time now_us, or by the clock of Redis if now_us is 0 */

static redisReply *
run(redisContext *c, cigna_budget_script_e script, const cigna_slice_t *argv,
    unsigned argc, int64_t now_us)
{
    char          text[2][32];
    size_t        len[CIGNA_BUDGET_ARGS + 5];
    unsigned      i, n;
    redisReply   *reply;
    const char   *words[CIGNA_BUDGET_ARGS + 5];

    words[0] = "EVAL";
    words[1] = now_us == 0 ? cigna_budget_script(script)->text
               : scripts[script == cigna_budget_script_pause];
    words[2] = "1";

    for (n = 0; n < 3; n++) {
        len[n] = strlen(words[n]);
    }

    for (i = 0; i < argc; i++, n++) {
        words[n] = (const char *) argv[i].data;
        len[n] = argv[i].len;
    }

    (void) snprintf(text[0], sizeof(text[0]), "%ld", now_us / 1000000);
    (void) snprintf(text[1], sizeof(text[1]), "%ld", now_us % 1000000);

    for (i = 0; now_us && i < 2; i++, n++) {
        words[n] = text[i];
        len[n] = strlen(text[i]);
    }

    reply = redisCommandArgv(c, (int) n, words, len);
    assert_non_null(reply);

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", cigna_budget_script(script)->name, reply->str);
    }

    return reply;
}


static const char  *origin = "https://fhir.example";


static cigna_budget_names_t
names_of(const char *node, const char *tenant)
{
    return (cigna_budget_names_t) {
        .key = cigna_slice("cigna" CIGNA_BUDGET_KEY),
        .node = cigna_slice_str(node),
        .tenant = cigna_slice_str(tenant),
        .origin = cigna_slice_str(origin)
    };
}


static void
lease(redisContext *c, const cigna_budget_plan_t *p, const char *node,
    const char *tenant, int64_t want, int64_t now_us,
    cigna_budget_lease_reply_t *r)
{
    uint8_t              mem[CIGNA_BUDGET_CALL_MEM];
    unsigned             argc;
    redisReply          *reply;
    cigna_slice_t        argv[CIGNA_BUDGET_ARGS];
    cigna_budget_names_t   names;

    names = names_of(node, tenant);

    assert_int_equal(cigna_budget_lease_argv(p, &names, want, mem, argv, &argc),
                     CIGNA_OK);

    reply = run(c, cigna_budget_script_lease, argv, argc, now_us);
    assert_int_equal(cigna_budget_lease_parse((cigna_reply_t *) reply, r),
                     CIGNA_OK);
    freeReplyObject(reply);
}


static int64_t
pause_for(cigna_budget_scope_e scope, const char *tenant, int64_t retry_ms,
    unsigned jitter, int64_t now_us)
{
    int64_t                left_ms;
    uint8_t                mem[CIGNA_BUDGET_CALL_MEM];
    unsigned               argc;
    redisReply            *reply;
    cigna_slice_t          argv[CIGNA_BUDGET_ARGS];
    cigna_budget_names_t     names;
    cigna_budget_cause_t   cause;

    names = names_of("a", tenant);
    cause = (cigna_budget_cause_t) { scope, 503, retry_ms, jitter };

    assert_int_equal(cigna_budget_pause_argv(&names, &cause, mem, argv, &argc),
                     CIGNA_OK);

    reply = run(redis, cigna_budget_script_pause, argv, argc, now_us);
    assert_int_equal(cigna_budget_pause_parse((cigna_reply_t *) reply,
                                              &left_ms), CIGNA_OK);
    freeReplyObject(reply);

    return left_ms;
}


/* the buckets and pauses of the model in C */

typedef struct {
    cigna_gcra_t         gateway;
    cigna_gcra_t         minimum[TENANTS];
    cigna_gcra_t         tenant[TENANTS];
    model_pause_t  all;
    model_pause_t  own[TENANTS];
} model_t;


static void
a_plan(uint64_t *seed, cigna_budget_plan_t *plans)
{
    unsigned                     i;
    cigna_budget_gateway_conf_t  g;
    cigna_budget_tenant_conf_t   t[TENANTS];
    static const char           *rates[] = {
        "100r/s", "7r/s", "3000r/s", "", "50r/m", "100000r/s", "90r/s", "1r/d"
    };

    memset(&g, 0, sizeof(g));
    memset(t, 0, sizeof(t));

    g.rate = a_rate(rates[some(seed, 8)]);
    g.lease_ms = (uint32_t) (20 + some(seed, 200));
    g.dry_run = some(seed, 8) == 0;

    if (g.rate.n && g.rate.per_s < 86400) {
        g.burst = (uint32_t) some(seed, 200);
    }

    for (i = 0; i < TENANTS; i++) {
        t[i].rate = a_rate(rates[some(seed, 7)]);
        t[i].dry_run = some(seed, 8) == 0;

        if (t[i].rate.n) {
            t[i].burst = (uint32_t) some(seed, 100);
        }
    }

    if (g.rate.n >= 7 && some(seed, 2)) {
        t[0].minimum = a_rate("2r/m");
    }

    make_plans(&g, t, TENANTS, plans);
}


static void
compare(model_t *m, const cigna_budget_plan_t *p, unsigned i, int64_t want,
    int64_t now_us)
{
    char                        name[8];
    int64_t                     wait_ms, pause_ms;
    cigna_budget_grant_t        g;
    model_buckets_t      b;
    cigna_budget_lease_reply_t  r;

    b = (model_buckets_t) { &m->gateway, &m->minimum[i], &m->tenant[i],
                                   &m->all, &m->own[i] };

    (void) snprintf(name, sizeof(name), "t%u", i);

    model_lease(p, &b, want, now_us * 1000, &g);
    lease(redis, p, "a", name, want, now_us, &r);

    wait_ms = (g.wait_ns + MS - 1) / MS;
    pause_ms = (g.pause_ns + MS - 1) / MS;

    assert_int_equal(r.grant.granted, g.granted);
    assert_int_equal(r.grant.by, g.by);
    assert_int_equal(r.grant.wait_ns, wait_ms * MS);
    assert_int_equal(r.grant.pause_ns, pause_ms * MS);
    assert_int_equal(r.grant.scope, g.scope);
    assert_int_equal(r.grant.gateway_dry, g.gateway_dry);
    assert_int_equal(r.grant.tenant_dry, g.tenant_dry);
}


static void
some_traffic(uint64_t *seed)
{
    char                   name[8];
    int64_t                now_us, retry_ms;
    model_t                m;
    unsigned               i, n, jitter;
    model_pause_t   *h;
    cigna_budget_plan_t    plans[TENANTS];
    cigna_budget_scope_e   scope;

    memset(&m, 0, sizeof(m));
    a_plan(seed, plans);

    now_us = NOW_US;

    for (n = 0; n < 250; n++) {
        i = (unsigned) some(seed, TENANTS);

        switch (some(seed, 20)) {

        case 0:
            now_us += (int64_t) some(seed, 20 * 1000000);
            break;

        case 3:
            now_us += (int64_t) some(seed, 8) ? 0 : 400 * 1000000;
            break;

        case 1:
            now_us -= (int64_t) some(seed, 5 * 1000000);
            break;

        case 2:
            scope = some(seed, 3) ? cigna_budget_scope_own
                    : cigna_budget_scope_all;
            h = scope == cigna_budget_scope_all ? &m.all : &m.own[i];
            retry_ms = some(seed, 2) ? -1 : (int64_t) some(seed, 9000);
            retry_ms *= some(seed, 8) ? 1 : 400;
            jitter = (unsigned) some(seed, 251);

            (void) snprintf(name, sizeof(name), "t%u", i);
            assert_int_equal(model_pause(h, retry_ms, jitter,
                                                     now_us * 1000),
                             pause_for(scope, name, retry_ms, jitter,
                                       now_us));
            break;

        default:
            now_us += (int64_t) some(seed, 60000);
        }

        compare(&m, &plans[i], i, 1 + (int64_t) some(seed, 40), now_us);
    }
}


static void
the_script_and_the_model_grant_the_same(void **state)
{
    unsigned  n;
    uint64_t  seed;

    seed = 1;

    for (n = 0; n < 24; n++) {
        (void) flush(state);
        some_traffic(&seed);
    }
}


static const cigna_budget_plan_t  simple = {
    .gateway = { 10 * MS, 100 * MS },
    .gateway_max_ns = 100 * MS,
    .ramp_all_ns = 10 * MS,
    .ramp_own_ns = 10 * MS,
    .lease_ns = 50 * MS
};


static void
the_clock_is_that_of_redis(void **state)
{
    cigna_budget_lease_reply_t  r;

    (void) state;

    lease(redis, &simple, "a", "acme", 1000, 0, &r);
    assert_int_equal(r.grant.granted, 10);
    assert_int_equal(r.grant.by, cigna_budget_by_gateway);
    assert_int_equal(r.grant.wait_ns, 10 * MS);

    (void) usleep(300 * 1000);

    lease(redis, &simple, "a", "acme", 1000, 0, &r);
    assert_int_equal(r.grant.granted, 10);
}


static void
no_request_waits_longer_than_the_ramp_lasts(void **state)
{
    cigna_budget_plan_t         p;
    cigna_budget_lease_reply_t  r;

    (void) state;

    /* a tenant with 5r/d */

    p = simple;
    p.gateway.every_ns = 0;
    p.tenant = (cigna_gcra_limit_t) { 17280 * SECOND, 86400 * SECOND };
    p.ramp_own_ns = p.tenant.every_ns;

    (void) pause_for(cigna_budget_scope_own, "acme", -1, 0, NOW_US);

    lease(redis, &p, "a", "acme", 5, NOW_US + 1000000, &r);
    assert_int_equal(r.grant.granted, 1);
    assert_int_equal(r.grant.by, cigna_budget_by_pause);
    assert_int_equal(r.grant.wait_ns, 4 * SECOND);

    lease(redis, &p, "a", "acme", 5, NOW_US + 5000000, &r);
    assert_int_equal(r.grant.granted, 4);
}


/* gateways before 0.6.0 write and read a shorter entry for a pause */

static void
a_pause_of_an_older_gateway_lasts_five_minutes_at_most(void **state)
{
    redisReply                  *reply;
    cigna_budget_lease_reply_t   r;

    (void) state;

    reply = redisCommand(redis, "HSET cigna:b:{budget} h:acme %s",
                         "1793000000000000 1793000000000000 1793003600000000 "
                         "0 1793000000000000");
    assert_non_null(reply);
    freeReplyObject(reply);

    lease(redis, &simple, "a", "acme", 1, NOW_US, &r);
    assert_int_equal(r.grant.pause_ns, 300 * SECOND);
    lease(redis, &simple, "a", "acme", 1, NOW_US + 300000000, &r);
    assert_int_equal(r.grant.pause_ns, 0);

    /* older gateways read only the first five numbers of this field */

    (void) pause_for(cigna_budget_scope_own, "acme", 7000, 0,
                     NOW_US + 900000000);

    reply = redisCommand(redis, "HGET cigna:b:{budget} h:acme");
    assert_non_null(reply);
    assert_string_equal(reply->str,
                        "1793000900000000 1793000900000000 1793000907000000 "
                        "0 1793000900000000 0 1793000907000000 0 "
                        "503 7 https://fhir.example acme");
    freeReplyObject(reply);
}


/*
 * in older gateways the field "a" was the pause of all tenants of all origins
 */

static void
a_pause_belongs_to_an_origin(void **state)
{
    redisReply                  *reply;
    cigna_budget_lease_reply_t   r;

    (void) state;

    reply = redisCommand(redis, "HSET cigna:b:{budget} a %s",
                         "1793000000000000 1793000000000000 1793003600000000 "
                         "0 1793000000000000");
    assert_non_null(reply);
    freeReplyObject(reply);

    (void) pause_for(cigna_budget_scope_all, "acme", 3600000, 0, NOW_US);
    (void) pause_for(cigna_budget_scope_own, "acme", 3600000, 0, NOW_US);

    lease(redis, &simple, "a", "globex", 1, NOW_US, &r);
    assert_int_equal(r.grant.pause_ns, 300 * SECOND);
    assert_int_equal(r.grant.scope, cigna_budget_scope_all);

    /* the tenant has another origin now, so its pause does not count */

    origin = "https://other.example";
    lease(redis, &simple, "a", "globex", 1, NOW_US, &r);
    assert_int_equal(r.grant.pause_ns, 0);
    lease(redis, &simple, "a", "acme", 1, NOW_US, &r);
    assert_int_equal(r.grant.pause_ns, 0);
    origin = "https://fhir.example";
}


/*
 * each pause lasts a third of the time since the first one began, but at least
 * 1 s and at most 30 s
 */

static void
a_pause_grows_up_to_half_a_minute(void **state)
{
    unsigned             n;
    int64_t              now_us, left_ms, expected;
    model_pause_t  h;

    (void) state;

    memset(&h, 0, sizeof(h));
    now_us = NOW_US;
    left_ms = 0;

    for (n = 0; n < 30; n++) {
        left_ms = pause_for(cigna_budget_scope_own, "acme", -1, 0, now_us);

        expected = ((now_us - NOW_US) / 3 + 999) / 1000;
        expected = expected < 1000 ? 1000 : expected > 30000 ? 30000
                                                             : expected;
        assert_int_equal(left_ms, expected);
        assert_int_equal(model_pause(&h, -1, 0, now_us * 1000),
                         left_ms);

        /* the next pause begins during the ramp */

        now_us += left_ms * 1000 + 3000000;
    }

    assert_int_equal(left_ms, 30000);

    /*
     * the script adds the jitter, and gives the time that the upstream asks for
     */

    assert_int_equal(pause_for(cigna_budget_scope_own, "acme", -1, 250,
                               now_us), 37500);
    now_us += 37500 * 1000;
    assert_int_equal(pause_for(cigna_budget_scope_own, "acme", 60000, 0,
                               now_us), 60000);
}


static void
a_node_counts_for_ten_seconds_after_its_last_call(void **state)
{
    char                        name[8];
    unsigned                    i;
    cigna_budget_lease_reply_t  r;

    (void) state;

    lease(redis, &simple, "a", "acme", 1, NOW_US, &r);
    assert_int_equal(r.nodes, 1);
    lease(redis, &simple, "b", "acme", 1, NOW_US + 1000, &r);
    assert_int_equal(r.nodes, 2);
    lease(redis, &simple, "a", "globex", 1, NOW_US + 9000000, &r);
    assert_int_equal(r.nodes, 2);
    lease(redis, &simple, "a", "globex", 1, NOW_US + 10001001, &r);
    assert_int_equal(r.nodes, 1);

    for (i = 0; i < 2 * CIGNA_BUDGET_NODES_MAX; i++) {
        (void) snprintf(name, sizeof(name), "n%u", i);
        lease(redis, &simple, name, "acme", 1, NOW_US + 10001001, &r);
    }

    assert_int_equal(r.nodes, CIGNA_BUDGET_NODES_MAX);
}


static void
the_tenants_name_may_be_any_bytes(void **state)
{
    cigna_budget_lease_reply_t  r;
    cigna_budget_plan_t         p;

    (void) state;

    p = simple;
    p.tenant = p.gateway;

    lease(redis, &p, "a", "a 1 2 3:\n'%d", 4, NOW_US, &r);
    assert_int_equal(r.grant.granted, 4);
    lease(redis, &p, "a", "a 1 2 3:\n'%d", 100, NOW_US, &r);
    assert_int_equal(r.grant.granted, 6);
}


static void
the_hash_expires_and_has_no_secrets(void **state)
{
    redisReply                  *reply;
    cigna_budget_lease_reply_t   r;

    (void) state;

    lease(redis, &simple, "a", "acme", 1, 0, &r);
    assert_int_equal(pause_for(cigna_budget_scope_all, "acme", -1, 0, 0),
                     1000);

    reply = redisCommand(redis, "PTTL cigna" CIGNA_BUDGET_KEY);
    assert_in_range(reply->integer, INT64_C(86400000), INT64_C(172800000));
    freeReplyObject(reply);

    reply = redisCommand(redis, "HKEYS cigna" CIGNA_BUDGET_KEY);
    assert_int_equal(reply->elements, 3);
    freeReplyObject(reply);
}


/* the script reads only the numbers of a field, and bounds them */

static void
nonsense_in_the_hash_stops_no_tenant_for_long(void **state)
{
    size_t                       i;
    redisReply                  *reply;
    cigna_budget_lease_reply_t   r;
    static const char           *bad[] = {
        "", "-", "x y", "99999999999999999999999999 1", "1e300 1e300", "5",
        "0 99999999999999999999", "1 2 3 4 5 6 7"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply = redisCommand(redis, "HSET cigna" CIGNA_BUDGET_KEY
                                    " g %s n %s t:acme %s m:acme %s",
                             bad[i], bad[i], bad[i], bad[i]);
        freeReplyObject(reply);

        lease(redis, &simple, "a", "acme", 100, NOW_US, &r);
        lease(redis, &simple, "a", "acme", 100, NOW_US + 200000, &r);
        assert_int_equal(r.grant.granted, 10);
    }
}


/* adds a Redis user with the gateway's rules of conf/redis/users.acl */

static void
add_user(const char *name)
{
    char          line[1024], *word, *words[128];
    FILE         *f;
    size_t        n;
    redisReply   *reply;

    f = fopen(CIGNA_TOP "/conf/redis/users.acl", "r");
    assert_non_null(f);

    do {
        assert_non_null(fgets(line, sizeof(line), f));
    } while (strncmp(line, "user cigna ", 11) != 0);

    (void) fclose(f);

    words[0] = "ACL";
    words[1] = "SETUSER";
    words[2] = (char *) name;
    words[3] = "on";
    words[4] = "nopass";
    n = 5;

    word = strtok(strstr(line, "resetchannels"), " \n");

    for ( /* void */ ; word; word = strtok(NULL, " \n")) {
        words[n++] = word;
    }

    reply = redisCommandArgv(redis, (int) n, (const char **) words, NULL);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}


static void
the_redis_user_of_the_example_may_run_the_scripts(void **state)
{
    redisReply                  *reply;
    redisContext                *c;
    cigna_budget_lease_reply_t   r;

    (void) state;

    add_user("gateway");

    c = redis_server_dial(&server);
    reply = redisCommand(c, "AUTH gateway any");
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);

    lease(c, &simple, "a", "acme", 1, 0, &r);
    assert_int_equal(r.grant.granted, 1);

    redisFree(c);
}


#define test(f)  cmocka_unit_test_setup(f, flush)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_script_and_the_model_grant_the_same),
        test(the_clock_is_that_of_redis),
        test(no_request_waits_longer_than_the_ramp_lasts),
        test(a_pause_of_an_older_gateway_lasts_five_minutes_at_most),
        test(a_pause_belongs_to_an_origin),
        test(a_pause_grows_up_to_half_a_minute),
        test(a_node_counts_for_ten_seconds_after_its_last_call),
        test(the_tenants_name_may_be_any_bytes),
        test(the_hash_expires_and_has_no_secrets),
        test(nonsense_in_the_hash_stops_no_tenant_for_long),
        test(the_redis_user_of_the_example_may_run_the_scripts)
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
