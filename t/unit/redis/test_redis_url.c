
#include "support.h"

#include "redis/cigna_redis.h"


static cigna_redis_url_t
url(const char *text)
{
    const char         *error;
    cigna_redis_url_t   u;

    if (cigna_redis_url_parse(guarded(text), &u, &error) != CIGNA_OK) {
        fail_msg("\"%s\" %s", text, error);
    }

    return u;
}


static void
refused(const char *text, const char *word)
{
    const char         *error;
    cigna_redis_url_t   u;

    if (cigna_redis_url_parse(guarded(text), &u, &error) != CIGNA_ERROR) {
        fail_msg("\"%s\" was not refused", text);
    }

    assert_non_null(strstr(error, word));
}


static void
a_server_is_a_host_a_port_and_a_database(void **state)
{
    cigna_redis_url_t  u = url("redis://redis_1.internal:6380/12");

    (void) state;

    assert_slice(u.host, "redis_1.internal");
    assert_slice(u.path, "");
    assert_int_equal(u.port, 6380);
    assert_int_equal(u.db, 12);
    assert_int_equal(u.tls, 0);

    u = url("rediss://[::1]:7000");

    assert_slice(u.host, "::1");
    assert_int_equal(u.port, 7000);
    assert_int_equal(u.tls, 1);
}


static void
port_and_database_have_defaults(void **state)
{
    cigna_redis_url_t  u = url("redis://a");

    (void) state;

    assert_int_equal(u.port, 6379);
    assert_int_equal(u.db, 0);

    u = url("rediss://a/");

    assert_int_equal(u.port, 6379);
    assert_int_equal(u.db, 0);
}


static void
the_url_says_whether_a_port_was_given(void **state)
{
    (void) state;

    assert_int_equal(url("redis://a").port_given, 0);
    assert_int_equal(url("redis://a/1").port_given, 0);
    assert_int_equal(url("redis://a:6379").port_given, 1);
    assert_int_equal(url("rediss://[::1]:1/").port_given, 1);
}


static void
a_unix_socket_has_a_path(void **state)
{
    cigna_redis_url_t  u = url("unix:/run/redis/redis.sock");

    (void) state;

    assert_slice(u.path, "/run/redis/redis.sock");
    assert_slice(u.host, "");
    assert_int_equal(u.db, 0);
    assert_int_equal(u.tls, 0);

    u = url("unix:/run/redis.sock:3");

    assert_slice(u.path, "/run/redis.sock");
    assert_int_equal(u.db, 3);
}


static void
another_scheme_is_refused(void **state)
{
    (void) state;

    refused("", "must begin with");
    refused("redis", "must begin with");
    refused("redis.internal:6379", "must begin with");
    refused("redis:a", "must begin with");
    refused("http://a", "must begin with");
    refused("REDIS://a", "must begin with");
}


static void
passwords_come_from_files(void **state)
{
    (void) state;

    refused("redis://:MARKER@a", "password_file");
    refused("redis://user:MARKER@a/1", "password_file");
    refused("rediss://user@a", "password_file");
}


static void
a_bad_host_or_port_is_refused(void **state)
{
    (void) state;

    refused("redis://", "host name or port");
    refused("redis:///1", "host name or port");
    refused("redis://:6379", "host name or port");
    refused("redis://a:", "host name or port");
    refused("redis://a:0", "host name or port");
    refused("redis://a:65536", "host name or port");
    refused("redis://a b", "host name or port");
    refused("redis://a,b", "host name or port");
    refused("redis://a?db=1", "host name or port");
    refused("redis://[::1", "host name or port");
}


static void
a_bad_database_is_refused(void **state)
{
    (void) state;

    assert_int_equal(url("redis://a/65535").db, 65535);

    refused("redis://a/b", "database");
    refused("redis://a/-1", "database");
    refused("redis://a/65536", "database");
    refused("redis://a/1/", "database");
    refused("redis://a/1?b", "database");
    refused("unix:/a:", "database");
    refused("unix:/a:b", "database");
    refused("unix:/a:1:2", "database");
}


static void
a_bad_path_is_refused(void **state)
{
    char  text[200];

    (void) state;

    refused("unix:", "absolute path");
    refused("unix:a", "absolute path");
    refused("unix::1", "absolute path");

    memset(text, 'a', sizeof(text));
    memcpy(text, "unix:/", 6);

    text[5 + 107] = '\0';
    assert_int_equal(url(text).path.len, 107);

    text[5 + 107] = 'a';
    text[5 + 108] = '\0';
    refused(text, "no socket");
}


static void
a_nul_byte_is_refused(void **state)
{
    const char         *error;
    cigna_redis_url_t   u;

    (void) state;

    assert_int_equal(cigna_redis_url_parse(cigna_slice("unix:/a\0b"), &u,
                                           &error),
                     CIGNA_ERROR);
    assert_int_equal(cigna_redis_url_parse(cigna_slice("redis://a\0b"), &u,
                                           &error),
                     CIGNA_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_server_is_a_host_a_port_and_a_database),
        cmocka_unit_test(port_and_database_have_defaults),
        cmocka_unit_test(the_url_says_whether_a_port_was_given),
        cmocka_unit_test(a_unix_socket_has_a_path),
        cmocka_unit_test(another_scheme_is_refused),
        cmocka_unit_test(passwords_come_from_files),
        cmocka_unit_test(a_bad_host_or_port_is_refused),
        cmocka_unit_test(a_bad_database_is_refused),
        cmocka_unit_test(a_bad_path_is_refused),
        cmocka_unit_test(a_nul_byte_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
