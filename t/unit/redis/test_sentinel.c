
#define _GNU_SOURCE

#include "support.h"

#include "redis/cigna_sentinel.h"
#include "world_redis.h"


static int
primary(const char *text, cigna_server_t *s)
{
    int             rc;
    char            host[64];
    cigna_reply_t  *reply;

    reply = world_reply(text, strlen(text));
    rc = cigna_sentinel_primary(reply, s);

    /*
     * the host points into the reply, so the host is copied before the reply is
     * freed
     */

    if (rc == CIGNA_OK) {
        assert_true(s->host.len < sizeof(host));
        memcpy(host, s->host.data, s->host.len);
        s->host = guarded(strndupa(host, s->host.len));
    }

    cigna_reply_destroy(reply);

    return rc;
}


static void
a_sentinel_names_the_primary(void **state)
{
    cigna_server_t  s;

    (void) state;

    assert_int_equal(primary("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n", &s),
                     CIGNA_OK);
    assert_slice(s.host, "127.0.0.1");
    assert_int_equal(s.port, 6379);

    assert_int_equal(primary("*2\r\n$7\r\nredis-1\r\n$1\r\n1\r\n", &s),
                     CIGNA_OK);
    assert_slice(s.host, "redis-1");
}


static void
an_unknown_name_and_a_failure_differ(void **state)
{
    cigna_server_t  s;

    (void) state;

    assert_int_equal(primary("*-1\r\n", &s), CIGNA_NONE);
    assert_int_equal(primary("$-1\r\n", &s), CIGNA_NONE);

    assert_int_equal(primary("-NOPERM no\r\n", &s), CIGNA_ERROR);
    assert_int_equal(primary("-IDONTKNOW I have not enough information\r\n",
                             &s),
                     CIGNA_ERROR);
}


static void
a_malformed_reply_names_no_primary(void **state)
{
    size_t          i;
    cigna_server_t  s;

    static const char  *replies[] = {
        "+OK\r\n", ":1\r\n", "*0\r\n", "*1\r\n$1\r\na\r\n",
        "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\n1\r\n",
        "*2\r\n$0\r\n\r\n$1\r\n1\r\n", "*2\r\n$1\r\na\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\na\r\n:1\r\n", "*2\r\n$1\r\na\r\n$5\r\n65536\r\n",
        "*2\r\n$3\r\na b\r\n$1\r\n1\r\n", "*2\r\n$-1\r\n$1\r\n1\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        assert_int_equal(primary(replies[i], &s), CIGNA_ERROR);
    }
}


#define test(name)  cmocka_unit_test(name)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_sentinel_names_the_primary),
        test(an_unknown_name_and_a_failure_differ),
        test(a_malformed_reply_names_no_primary)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
