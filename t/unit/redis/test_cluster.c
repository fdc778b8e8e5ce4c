
#include "support.h"

#include "redis/cigna_cluster.h"
#include "world_redis.h"


static cigna_reply_t  *reply;


static cigna_reply_t *
answer(const char *text)
{
    cigna_reply_destroy(reply);

    reply = world_reply(text, strlen(text));

    return reply;
}


#define SERVER(host, port)                                                    \
    "*4\r\n" host ":" port "\r\n$2\r\nid\r\n*0\r\n"


static int
slot_of(const char **words, unsigned *slot)
{
    size_t         n;
    cigna_slice_t  argv[8];

    for (n = 0; words[n]; n++) {
        argv[n] = guarded(words[n]);
    }

    return cigna_cluster_slot(argv, n, slot);
}


#define assert_command(expected, ...)                                         \
    do {                                                                      \
        unsigned  slot_;                                                      \
                                                                              \
        assert_int_equal(slot_of((const char *[]) { __VA_ARGS__, NULL },      \
                                 &slot_),                                     \
                         CIGNA_OK);                                           \
        assert_int_equal(slot_, expected);                                    \
    } while (0)

#define assert_keyless(...)                                                   \
    do {                                                                      \
        unsigned  slot_;                                                      \
                                                                              \
        assert_int_equal(slot_of((const char *[]) { __VA_ARGS__, NULL },      \
                                 &slot_),                                     \
                         CIGNA_NONE);                                         \
    } while (0)


static void
the_slot_of_a_script_is_that_of_its_first_key(void **state)
{
    (void) state;

    assert_command(5061, "EVALSHA", "foo", "2", "a{bar}", "b{bar}", "x");
    assert_command(5061, "EVAL", "return 1", "1", "bar");
}


static void
the_first_argument_of_any_other_command_is_its_key(void **state)
{
    (void) state;

    assert_command(12182, "HMGET", "foo", "i", "g");
    assert_command(12182, "UNLINK", "foo");
    assert_command(12182, "ZREM", "foo", "{bar}");
}


static void
a_command_without_a_key_has_no_slot(void **state)
{
    (void) state;

    assert_keyless("PUBLISH", "channel", "message");
    assert_keyless("PING", "x");
    assert_keyless("TIME");
    assert_keyless("EVAL", "return 1", "0");
    assert_keyless("EVAL", "return 1", "2", "bar");
    assert_keyless("EVAL", "return 1", "-1", "bar");
    assert_keyless("EVALSHA", "foo", "1");
}


static void
a_map_is_read_one_range_at_a_time(void **state)
{
    cigna_server_t         s;
    cigna_reply_t         *map;
    cigna_cluster_range_t  range;

    (void) state;

    map = answer("*2\r\n"
                 "*4\r\n:0\r\n:5460\r\n"
                 SERVER("$9\r\n127.0.0.1\r\n", "7001")
                 SERVER("$3\r\n::1\r\n", "7004")
                 "*3\r\n:5461\r\n:16383\r\n"
                 SERVER("$5\r\nredis\r\n", "7002"));

    assert_int_equal(cigna_cluster_range(map, 0, &range), CIGNA_OK);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, 5460);

    assert_int_equal(cigna_cluster_server(&range, 0, &s), CIGNA_OK);
    assert_slice(s.host, "127.0.0.1");
    assert_int_equal(s.port, 7001);

    assert_int_equal(cigna_cluster_server(&range, 1, &s), CIGNA_OK);
    assert_slice(s.host, "::1");
    assert_int_equal(s.port, 7004);

    assert_int_equal(cigna_cluster_server(&range, 2, &s), CIGNA_NONE);

    assert_int_equal(cigna_cluster_range(map, 1, &range), CIGNA_OK);
    assert_int_equal(range.first, 5461);
    assert_int_equal(range.last, 16383);

    assert_int_equal(cigna_cluster_server(&range, 0, &s), CIGNA_OK);
    assert_slice(s.host, "redis");

    assert_int_equal(cigna_cluster_range(map, 2, &range), CIGNA_NONE);
}


static void
a_server_without_a_host_is_the_one_that_was_asked(void **state)
{
    cigna_server_t         s;
    cigna_cluster_range_t  range;

    (void) state;

    assert_int_equal(cigna_cluster_range(
                         answer("*1\r\n*4\r\n:0\r\n:1\r\n"
                                SERVER("$-1\r\n", "7001")
                                SERVER("$0\r\n\r\n", "7002")),
                         0, &range),
                     CIGNA_OK);

    assert_int_equal(cigna_cluster_server(&range, 0, &s), CIGNA_OK);
    assert_int_equal(s.host.len, 0);
    assert_int_equal(s.port, 7001);

    assert_int_equal(cigna_cluster_server(&range, 1, &s), CIGNA_OK);
    assert_int_equal(s.host.len, 0);
}


static void
a_server_whose_name_is_not_known_is_not_used(void **state)
{
    cigna_server_t         s;
    cigna_cluster_range_t  range;

    (void) state;

    assert_int_equal(cigna_cluster_range(
                         answer("*1\r\n*8\r\n:0\r\n:1\r\n"
                                SERVER("$1\r\n?\r\n", "7001")
                                SERVER(":1\r\n", "7001")
                                SERVER("$1\r\na\r\n", "0")
                                SERVER("$1\r\na\r\n", "-1")
                                SERVER("$1\r\na\r\n", "65536")
                                "*0\r\n"),
                         0, &range),
                     CIGNA_OK);

    assert_int_equal(cigna_cluster_server(&range, 0, &s), CIGNA_ERROR);
    assert_int_equal(cigna_cluster_server(&range, 1, &s), CIGNA_ERROR);
    assert_int_equal(cigna_cluster_server(&range, 2, &s), CIGNA_ERROR);
    assert_int_equal(cigna_cluster_server(&range, 3, &s), CIGNA_ERROR);
    assert_int_equal(cigna_cluster_server(&range, 4, &s), CIGNA_ERROR);
    assert_int_equal(cigna_cluster_server(&range, 5, &s), CIGNA_ERROR);
    assert_int_equal(cigna_cluster_server(&range, 6, &s), CIGNA_NONE);
}


static void
a_malformed_range_is_an_error(void **state)
{
    size_t                 i;
    cigna_cluster_range_t  range;

    static const char  *ranges[] = {
        "*1\r\n:1\r\n", "*1\r\n$-1\r\n", "*1\r\n*0\r\n",
        "*1\r\n*2\r\n:0\r\n$1\r\n1\r\n", "*1\r\n*2\r\n:-1\r\n:1\r\n",
        "*1\r\n*2\r\n:2\r\n:1\r\n", "*1\r\n*2\r\n:0\r\n:16384\r\n",
        "*1\r\n*1\r\n:0\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        assert_int_equal(cigna_cluster_range(answer(ranges[i]), 0, &range),
                         CIGNA_ERROR);
    }
}


static void
a_reply_that_is_not_a_map_has_no_ranges(void **state)
{
    size_t                 i;
    cigna_cluster_range_t  range;

    static const char  *maps[] = {
        "*0\r\n", "*-1\r\n", "$-1\r\n", "+OK\r\n", ":1\r\n",
        "-ERR This instance has cluster support disabled\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        assert_int_equal(cigna_cluster_range(answer(maps[i]), 0, &range),
                         CIGNA_NONE);
    }

    assert_int_equal(cigna_cluster_range(NULL, 0, &range), CIGNA_NONE);
}


static void
a_redirection_names_slot_and_server(void **state)
{
    cigna_redirect_t  r;

    (void) state;

    assert_int_equal(cigna_cluster_redirect(
                         answer("-MOVED 3999 127.0.0.1:6381\r\n"), &r),
                     cigna_redirect_moved);
    assert_int_equal(r.slot, 3999);
    assert_slice(r.server.host, "127.0.0.1");
    assert_int_equal(r.server.port, 6381);

    assert_int_equal(cigna_cluster_redirect(answer("-ASK 0 ::1:1\r\n"), &r),
                     cigna_redirect_ask);
    assert_int_equal(r.slot, 0);
    assert_slice(r.server.host, "::1");

    assert_int_equal(cigna_cluster_redirect(answer("-MOVED 16383 :6381\r\n"),
                                            &r),
                     cigna_redirect_moved);
    assert_int_equal(r.server.host.len, 0);
}


static void
a_redirection_without_a_server_is_an_ordinary_error(void **state)
{
    size_t            i;
    cigna_redirect_t  r;

    static const char  *errors[] = {
        "-MOVED\r\n", "-MOVED 1\r\n", "-MOVED 16384 a:1\r\n",
        "-MOVED x a:1\r\n", "-MOVED  1 a:1\r\n", "-ASK 1 a\r\n",
        "-ASK 1 a:0\r\n", "-MOVED 1 a:1 b:2\r\n", "-MOVEDX 1 a:1\r\n",
        "-ERR MOVED 1 a:1\r\n", "-\r\n", "+MOVED 1 a:1\r\n", "$-1\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_int_equal(cigna_cluster_redirect(answer(errors[i]), &r),
                         cigna_redirect_none);
        assert_int_equal(r.type, cigna_redirect_none);
    }
}


static void
temporary_errors_ask_to_wait(void **state)
{
    size_t            i;
    cigna_redirect_t  r;

    static const char  *errors[] = {
        "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        "-CLUSTERDOWN Hash slot not served\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_int_equal(cigna_cluster_redirect(answer(errors[i]), &r),
                         cigna_redirect_wait);
    }

    assert_int_equal(cigna_cluster_redirect(answer("-OOM no memory\r\n"), &r),
                     cigna_redirect_none);
    assert_int_equal(cigna_cluster_redirect(answer("-NOPERM no\r\n"), &r),
                     cigna_redirect_none);
}


static int
teardown(void **state)
{
    (void) state;

    cigna_reply_destroy(reply);
    reply = NULL;

    return 0;
}


#define test(name)  cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_slot_of_a_script_is_that_of_its_first_key),
        test(the_first_argument_of_any_other_command_is_its_key),
        test(a_command_without_a_key_has_no_slot),
        test(a_map_is_read_one_range_at_a_time),
        test(a_server_without_a_host_is_the_one_that_was_asked),
        test(a_server_whose_name_is_not_known_is_not_used),
        test(a_malformed_range_is_an_error),
        test(a_reply_that_is_not_a_map_has_no_ranges),
        test(a_redirection_names_slot_and_server),
        test(a_redirection_without_a_server_is_an_ordinary_error),
        test(temporary_errors_ask_to_wait)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
