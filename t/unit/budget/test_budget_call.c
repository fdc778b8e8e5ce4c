
#include <hiredis/hiredis.h>

#include "budgeting.h"


static const cigna_budget_plan_t  plan = {
    .gateway = { 1, 2 },
    .gateway_max_ns = 3,
    .minimum = { 4, 5 },
    .tenant = { 0, 0 },
    .ramp_all_ns = 6,
    .ramp_own_ns = 7,
    .lease_ns = 8,
    .gateway_dry = 1
};

static uint8_t        mem[CIGNA_BUDGET_CALL_MEM];
static cigna_slice_t  argv[CIGNA_BUDGET_ARGS];
static unsigned       argc;
static const char    *origin = "https://fhir.example";


static int
build(const char *node, const char *tenant, int64_t want)
{
    cigna_budget_names_t  names;

    names = (cigna_budget_names_t) {
        .key = cigna_slice("k"),
        .node = cigna_slice_str(node),
        .tenant = cigna_slice_str(tenant),
        .origin = cigna_slice_str(origin)
    };

    return cigna_budget_lease_argv(&plan, &names, want, mem, argv, &argc);
}


static void
the_arguments_are_names_and_numbers(void **state)
{
    (void) state;

    assert_int_equal(build("n1", "acme", 9), CIGNA_OK);
    assert_int_equal(argc, 5);
    assert_slice(argv[0], "k");
    assert_slice(argv[1], "n1");
    assert_slice(argv[2], "acme");
    assert_slice(argv[3], "9 10000000 256 1 2 6 4 5 10 0 0 0 6 7 16 1 0");

    assert_int_equal(build("n1", "acme", 0), CIGNA_OK);
    assert_int_equal(argv[3].data[0], '0');
    assert_slice(argv[4], "https://fhir.example");
    assert_int_equal(build("n1", "acme", -1), CIGNA_OK);
    assert_int_equal(argv[3].data[0], '0');
    assert_int_equal(build("n1", "acme", INT64_MAX), CIGNA_OK);
    assert_memory_equal(argv[3].data, "1000000 ", 8);
}


static void
names_that_are_too_long_are_an_error(void **state)
{
    char  name[CIGNA_BUDGET_NAME_MAX + 2];

    (void) state;

    memset(name, 'a', sizeof(name));
    name[CIGNA_BUDGET_NAME_MAX + 1] = '\0';

    assert_int_equal(build("n", name, 1), CIGNA_ERROR);
    assert_int_equal(build(name, "t", 1), CIGNA_ERROR);
    assert_int_equal(build("", "t", 1), CIGNA_ERROR);
    assert_int_equal(build("n", "", 1), CIGNA_ERROR);
    assert_int_equal(build("n:1", "t", 1), CIGNA_ERROR);

    name[CIGNA_BUDGET_NAME_MAX] = '\0';
    assert_int_equal(build(name, name, 1), CIGNA_OK);
}


static void
an_origin_is_one_word_of_bounded_length(void **state)
{
    char         name[CIGNA_BUDGET_ORIGIN_MAX + 2];
    const char  *usual;

    (void) state;

    memset(name, 'o', sizeof(name));
    name[CIGNA_BUDGET_ORIGIN_MAX + 1] = '\0';

    usual = origin;

    origin = name;
    assert_int_equal(build("n", "t", 1), CIGNA_ERROR);
    origin = "";
    assert_int_equal(build("n", "t", 1), CIGNA_ERROR);
    origin = "https://a b";
    assert_int_equal(build("n", "t", 1), CIGNA_ERROR);

    name[CIGNA_BUDGET_ORIGIN_MAX] = '\0';
    origin = name;
    assert_int_equal(build("n", "t", 1), CIGNA_OK);

    origin = usual;
}


static void
the_largest_numbers_fit(void **state)
{
    cigna_budget_names_t   names;
    cigna_budget_plan_t  p;

    (void) state;

    names = (cigna_budget_names_t) { cigna_slice("k"), cigna_slice("n"),
                                 cigna_slice("t"), cigna_slice("o") };

    memset(&p, 0, sizeof(p));
    p.gateway = (cigna_gcra_limit_t) { INT64_MAX, INT64_MAX / 2 };
    p.gateway_max_ns = INT64_MAX / 2;
    p.minimum = p.gateway;
    p.tenant = p.gateway;
    p.ramp_all_ns = INT64_MAX;
    p.ramp_own_ns = INT64_MAX;
    p.lease_ns = INT64_MAX / 2;

    assert_int_equal(cigna_budget_lease_argv(&p, &names, INT64_MAX, mem, argv,
                                             &argc), CIGNA_OK);
}


static void
pause_by(cigna_budget_scope_e scope, int64_t retry_after_ms, unsigned jitter)
{
    cigna_budget_names_t    names;
    cigna_budget_cause_t  cause;

    names = (cigna_budget_names_t) {
        .key = cigna_slice("k"),
        .tenant = cigna_slice("acme"),
        .origin = cigna_slice_str(origin)
    };

    cause = (cigna_budget_cause_t) { scope, 503, retry_after_ms, jitter };

    assert_int_equal(cigna_budget_pause_argv(&names, &cause, mem, argv, &argc),
                     CIGNA_OK);
    assert_int_equal(argc, 4);
}


static void
a_pause_names_its_scope_and_the_reply_that_asked(void **state)
{
    (void) state;

    pause_by(cigna_budget_scope_own, 1500, 70);
    assert_slice(argv[1], "h:acme");
    assert_slice(argv[2], "1500000 70");
    assert_slice(argv[3], "503 2 https://fhir.example acme");

    pause_by(cigna_budget_scope_all, -1, 9999);
    assert_slice(argv[1], "o:https://fhir.example");
    assert_slice(argv[2], "0 250");
    assert_slice(argv[3], "503 - https://fhir.example acme");

    pause_by(cigna_budget_scope_all, INT64_MAX, 0);
    assert_slice(argv[2], "3600000000 0");
    assert_slice(argv[3], "503 3600 https://fhir.example acme");
}


/* tests of Redis' replies */

static int
parse(const char *text, cigna_budget_lease_reply_t *r)
{
    int             rc;
    cigna_reply_t  *reply;
    cigna_reader_t *reader;

    reader = cigna_reader_create();
    assert_int_equal(cigna_reader_feed(reader, cigna_slice_str(text)),
                     CIGNA_OK);
    assert_int_equal(cigna_reader_next(reader, &reply), CIGNA_OK);

    rc = cigna_budget_lease_parse(reply, r);

    cigna_reply_destroy(reply);
    cigna_reader_destroy(reader);

    return rc;
}


static void
a_reply_is_read(void **state)
{
    cigna_budget_lease_reply_t  r;

    (void) state;

    assert_int_equal(parse("*11\r\n$2\r\nok\r\n:5\r\n:20\r\n:2\r\n:3\r\n:0\r\n"
                           ":0\r\n:1\r\n:2\r\n:0\r\n:7\r\n", &r), CIGNA_OK);

    assert_int_equal(r.grant.granted, 5);
    assert_int_equal(r.grant.wait_ns, 20 * MS);
    assert_int_equal(r.grant.by, cigna_budget_by_tenant);
    assert_int_equal(r.nodes, 3);
    assert_int_equal(r.grant.pause_ns, 0);
    assert_int_equal(r.grant.scope, cigna_budget_scope_own);
    assert_int_equal(r.grant.gateway_dry, 1);
    assert_int_equal(r.grant.tenant_dry, 2);
    assert_int_equal(r.all_ended_ms, 0);
    assert_int_equal(r.own_ended_ms, 7);
}


static void
any_other_reply_is_an_error(void **state)
{
    size_t                       i;
    cigna_budget_lease_reply_t   r;
    static const char           *bad[] = {
        "$-1\r\n",
        "-NOSCRIPT No matching script\r\n",
        "*0\r\n",
        "*1\r\n$2\r\nok\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n"
            ":-1\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n"
            ":0\r\n:9223372036854775807\r\n",
        "*9\r\n$2\r\nok\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
        "*11\r\n$2\r\nno\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:-1\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:0\r\n:4\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:2\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:6\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n$1\r\n5\r\n:0\r\n:0\r\n:1\r\n:0\r\n:0\r\n:0\r\n"
            ":0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:9223372036854775807\r\n:0\r\n:0\r\n:1\r\n:0\r\n"
            ":0\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n",
        "*11\r\n$2\r\nok\r\n:5\r\n:9223372036854775807\r\n:0\r\n:1\r\n:0\r\n"
            ":0\r\n:0\r\n:0\r\n"
            ":0\r\n:0\r\n"
    };

    (void) state;

    assert_int_equal(cigna_budget_lease_parse(NULL, &r), CIGNA_ERROR);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i], &r), CIGNA_ERROR);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_arguments_are_names_and_numbers),
        cmocka_unit_test(names_that_are_too_long_are_an_error),
        cmocka_unit_test(the_largest_numbers_fit),
        cmocka_unit_test(an_origin_is_one_word_of_bounded_length),
        cmocka_unit_test(a_pause_names_its_scope_and_the_reply_that_asked),
        cmocka_unit_test(a_reply_is_read),
        cmocka_unit_test(any_other_reply_is_an_error)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
