
#include "support.h"

#include "redis/cigna_server.h"


#define assert_server(text, name, number)                                     \
    do {                                                                      \
        cigna_server_t  s_;                                                   \
                                                                              \
        assert_int_equal(cigna_server_parse(&s_, guarded(text)), CIGNA_OK);   \
        assert_slice(s_.host, name);                                          \
        assert_int_equal(s_.port, number);                                    \
    } while (0)


static void
a_server_is_a_host_and_a_port(void **state)
{
    (void) state;

    assert_server("127.0.0.1:6381", "127.0.0.1", 6381);
    assert_server("redis-1.internal:1", "redis-1.internal", 1);
    assert_server("redis_1:65535", "redis_1", 65535);
}


static void
the_port_follows_the_last_colon(void **state)
{
    (void) state;

    assert_server("::1:6381", "::1", 6381);
    assert_server("2001:db8::7:6379", "2001:db8::7", 6379);
}


static void
a_server_without_a_host_is_the_one_that_answers(void **state)
{
    (void) state;

    assert_server(":6381", "", 6381);
}


static void
a_malformed_address_is_an_error(void **state)
{
    size_t          i;
    cigna_server_t  s;

    static const char  *texts[] = {
        "", ":", "host", "host:", "host:0", "host:65536", "host:-1",
        "host:6381 ", "ho st:6381", "ho\nst:6381", "host\xff:6381", "?:6381",
        "ho/st:6381", "ho\"st:6381", "[::1]:6381", "host:6381,name", "a@b:1"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(cigna_server_parse(&s, guarded(texts[i])),
                         CIGNA_ERROR);
    }
}


static void
a_host_has_at_most_255_bytes(void **state)
{
    uint8_t         name[CIGNA_SERVER_HOST_MAX + 1];
    cigna_slice_t   host;
    cigna_server_t  s;

    (void) state;

    memset(name, 'a', sizeof(name));

    host.data = name;
    host.len = sizeof(name);
    assert_int_equal(cigna_server_init(&s, host, 6379), CIGNA_ERROR);

    host.len--;
    assert_int_equal(cigna_server_init(&s, host, 6379), CIGNA_OK);
    assert_int_equal(cigna_server_init(&s, host, 65536 + 6379), CIGNA_ERROR);
}


#define test(name)  cmocka_unit_test(name)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_server_is_a_host_and_a_port),
        test(the_port_follows_the_last_colon),
        test(a_server_without_a_host_is_the_one_that_answers),
        test(a_malformed_address_is_an_error),
        test(a_host_has_at_most_255_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
