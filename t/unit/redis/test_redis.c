
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "support.h"

#include "redis/cigna_redis.h"


static uint8_t  mem[1024];


static void
feed(cigna_reader_t *r, const char *text)
{
    assert_int_equal(cigna_reader_feed(r, guarded(text)), CIGNA_OK);
}


static cigna_reply_t *
next(cigna_reader_t *r)
{
    cigna_reply_t  *reply;

    assert_int_equal(cigna_reader_next(r, &reply), CIGNA_OK);
    assert_non_null(reply);

    return reply;
}


static void
assert_next(cigna_reader_t *r, int rc)
{
    cigna_reply_t  *reply;

    assert_int_equal(cigna_reader_next(r, &reply), rc);
    assert_null(reply);
}


/* parses a text that is one whole reply; the caller frees the reply */

static cigna_reply_t *
reply_of(const char *text)
{
    cigna_reply_t   *reply;
    cigna_reader_t  *r;

    r = cigna_reader_create();
    assert_non_null(r);

    feed(r, text);
    reply = next(r);
    assert_next(r, CIGNA_AGAIN);

    cigna_reader_destroy(r);

    return reply;
}


static void
refused(const char *text)
{
    cigna_reader_t  *r;

    r = cigna_reader_create();
    assert_non_null(r);

    feed(r, text);
    assert_next(r, CIGNA_ERROR);

    cigna_reader_destroy(r);
}


static void
each_reply_has_a_type(void **state)
{
    size_t               i;
    cigna_reply_t       *reply;
    static const struct {
        const char      *text;
        cigna_reply_e    type;
    } replies[] = {
        { "$-1\r\n", cigna_reply_nil },
        { "*-1\r\n", cigna_reply_nil },
        { "$2\r\nab\r\n", cigna_reply_string },
        { "+OK\r\n", cigna_reply_status },
        { "-ERR no\r\n", cigna_reply_error },
        { ":42\r\n", cigna_reply_integer },
        { "*0\r\n", cigna_reply_array }
    };

    (void) state;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        reply = reply_of(replies[i].text);
        assert_int_equal(cigna_reply_type(reply), replies[i].type);
        cigna_reply_destroy(reply);
    }

    assert_int_equal(cigna_reply_type(NULL), cigna_reply_nil);
}


static void
strings_statuses_and_errors_have_bytes(void **state)
{
    cigna_reply_t  *reply;

    (void) state;

    reply = reply_of("$5\r\na\r\nbc\r\n");
    assert_slice(cigna_reply_slice(reply), "a\r\nbc");
    cigna_reply_destroy(reply);

    reply = reply_of("$0\r\n\r\n");
    assert_int_equal(cigna_reply_type(reply), cigna_reply_string);
    assert_slice(cigna_reply_slice(reply), "");
    cigna_reply_destroy(reply);

    reply = reply_of("+PONG\r\n");
    assert_slice(cigna_reply_slice(reply), "PONG");
    cigna_reply_destroy(reply);

    reply = reply_of("-LOADING wait\r\n");
    assert_slice(cigna_reply_slice(reply), "LOADING wait");
    cigna_reply_destroy(reply);

    reply = reply_of(":1\r\n");
    assert_slice(cigna_reply_slice(reply), "");
    cigna_reply_destroy(reply);

    assert_slice(cigna_reply_slice(NULL), "");
}


static void
only_an_integer_reply_has_a_number(void **state)
{
    cigna_reply_t  *reply;

    (void) state;

    reply = reply_of(":-9223372036854775808\r\n");
    assert_true(cigna_reply_int(reply, 5) == INT64_MIN);
    cigna_reply_destroy(reply);

    reply = reply_of("$2\r\n42\r\n");
    assert_int_equal(cigna_reply_int(reply, 5), 5);
    cigna_reply_destroy(reply);

    assert_int_equal(cigna_reply_int(NULL, 5), 5);
}


static void
elements_of_an_array_are_borrowed(void **state)
{
    cigna_reply_t  *reply;

    (void) state;

    reply = reply_of("*3\r\n$1\r\na\r\n$-1\r\n*1\r\n:7\r\n");

    assert_int_equal(cigna_reply_count(reply), 3);
    assert_slice(cigna_reply_slice(cigna_reply_item(reply, 0)), "a");
    assert_int_equal(cigna_reply_type(cigna_reply_item(reply, 1)),
                     cigna_reply_nil);
    assert_int_equal(cigna_reply_int(cigna_reply_item(
                         cigna_reply_item(reply, 2), 0), 0), 7);
    assert_null(cigna_reply_item(reply, 3));
    assert_null(cigna_reply_item(cigna_reply_item(reply, 0), 0));

    cigna_reply_destroy(reply);

    assert_int_equal(cigna_reply_count(NULL), 0);
    assert_null(cigna_reply_item(NULL, 0));
    cigna_reply_destroy(NULL);
}


static void
the_first_word_of_an_error_is_its_code(void **state)
{
    cigna_reply_t  *reply;

    (void) state;

    reply = reply_of("-NOSCRIPT No matching script\r\n");
    assert_int_equal(cigna_reply_is_error(reply, "NOSCRIPT"), 1);
    assert_int_equal(cigna_reply_is_error(reply, "NOSCRIP"), 0);
    assert_int_equal(cigna_reply_is_error(reply, "NOSCRIPT "), 0);
    assert_int_equal(cigna_reply_is_error(reply, "ERR"), 0);
    cigna_reply_destroy(reply);

    reply = reply_of("-READONLY\r\n");
    assert_int_equal(cigna_reply_is_error(reply, "READONLY"), 1);
    cigna_reply_destroy(reply);

    reply = reply_of("+NOSCRIPT\r\n");
    assert_int_equal(cigna_reply_is_error(reply, "NOSCRIPT"), 0);
    cigna_reply_destroy(reply);

    assert_int_equal(cigna_reply_is_error(NULL, "ERR"), 0);
}


static void
the_error_of_a_replica_is_recognized_in_a_script_too(void **state)
{
    unsigned        i;
    cigna_reply_t  *reply;

    static const struct {
        const char  *text;
        int          readonly;
    } cases[] = {
        { "-READONLY You can't write against a read only replica.\r\n", 1 },
        { "-READONLY\r\n", 1 },

        /* the error of a script in Redis before 7.0 */

        { "-ERR Error running script (call to f_00): @user_script:9: "
          "@user_script: 9: -READONLY You can't write against a read only "
          "replica.\r\n", 1 },

        { "-ERR Error running script (call to f_00): @user_script:9: "
          "READONLY-ish\r\n", 0 },
        { "-ERR unknown command 'x', with args beginning with: "
          "'-READONLY'\r\n", 0 },
        { "-NOSCRIPT -READONLY\r\n", 0 },
        { "+READONLY\r\n", 0 },
        { "-ERR\r\n", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reply = reply_of(cases[i].text);
        assert_int_equal(cigna_reply_is_readonly(reply), cases[i].readonly);
        cigna_reply_destroy(reply);
    }

    assert_int_equal(cigna_reply_is_readonly(NULL), 0);
}


static void
replies_come_in_the_order_they_were_sent(void **state)
{
    cigna_reply_t   *reply;
    cigna_reader_t  *r;

    (void) state;

    r = cigna_reader_create();

    feed(r, "+a\r\n+b\r\n+");

    reply = next(r);
    assert_slice(cigna_reply_slice(reply), "a");
    cigna_reply_destroy(reply);

    reply = next(r);
    assert_slice(cigna_reply_slice(reply), "b");
    cigna_reply_destroy(reply);

    assert_next(r, CIGNA_AGAIN);
    feed(r, "c\r");
    assert_next(r, CIGNA_AGAIN);
    feed(r, "\n");

    reply = next(r);
    assert_slice(cigna_reply_slice(reply), "c");
    cigna_reply_destroy(reply);

    cigna_reader_destroy(r);
}


static void
a_reply_may_come_byte_by_byte(void **state)
{
    size_t               i;
    cigna_reply_t       *reply;
    cigna_reader_t      *r;
    static const char    text[] = "*2\r\n$3\r\nabc\r\n*2\r\n:1\r\n$-1\r\n";

    (void) state;

    r = cigna_reader_create();

    for (i = 0; i < sizeof(text) - 1; i++) {
        assert_next(r, CIGNA_AGAIN);
        assert_int_equal(cigna_reader_feed(r, cigna_slice_make(text + i,
                                                               text + i + 1)),
                         CIGNA_OK);
    }

    reply = next(r);
    assert_int_equal(cigna_reply_count(reply), 2);
    cigna_reply_destroy(reply);

    cigna_reader_destroy(r);
}


static void
a_reader_may_end_in_the_middle_of_a_reply(void **state)
{
    cigna_reader_t  *r;

    (void) state;

    r = cigna_reader_create();
    feed(r, "*3\r\n$6\r\nMARKER\r\n*2\r\n$2\r\na");
    assert_next(r, CIGNA_AGAIN);
    cigna_reader_destroy(r);

    cigna_reader_destroy(NULL);
}


/* replaces hiredis' function, and collects the strings of freed replies */

static char  given_back[64];


void
freeReplyObject(void *object)
{
    size_t             i;
    void             (*own)(void *);
    const redisReply  *reply = object;

    for (i = 0; reply && i < reply->elements; i++) {
        if (reply->element[i] && reply->element[i]->str) {
            (void) strncat(given_back, reply->element[i]->str, 8);
            (void) strcat(given_back, ";");
        }
    }

    *(void **) &own = dlsym(RTLD_NEXT, "freeReplyObject");
    own(object);
}


static void
strings_are_wiped_before_they_are_freed(void **state)
{
    cigna_reader_t  *r;

    (void) state;

    given_back[0] = '\0';
    cigna_reply_destroy(reply_of("*2\r\n$6\r\nMARKER\r\n+MARKER\r\n"));
    assert_string_equal(given_back, ";;");

    /* the strings of an incomplete reply are wiped, too */

    given_back[0] = '\0';
    r = cigna_reader_create();
    feed(r, "*2\r\n$6\r\nMARKER\r\n$6\r\nMAR");
    assert_next(r, CIGNA_AGAIN);
    cigna_reader_destroy(r);
    assert_string_equal(given_back, ";");
}


static void
bytes_of_another_protocol_are_an_error(void **state)
{
    (void) state;

    refused("HTTP/1.1 400 Bad Request\r\n");
    refused("\x15\x03\x01");
    refused("$-2\r\n");
    refused("$a\r\n");
    refused("*-2\r\n");
    refused(":1a\r\n");
}


static void
a_reader_fails_for_good_after_an_error(void **state)
{
    cigna_reader_t  *r;

    (void) state;

    r = cigna_reader_create();
    feed(r, "?\r\n+OK\r\n");
    assert_next(r, CIGNA_ERROR);
    assert_next(r, CIGNA_ERROR);
    assert_int_equal(cigna_reader_feed(r, cigna_slice("+OK\r\n")),
                     CIGNA_ERROR);
    cigna_reader_destroy(r);
}


static void
elements_are_bounded_before_they_are_allocated(void **state)
{
    (void) state;

    refused("*1025\r\n");
    refused("*2147483647\r\n");
    refused("*9223372036854775807\r\n");
    refused("*1\r\n*1025\r\n");

    /* the elements of nested arrays count together */

    refused("*2\r\n*1023\r\n");
    refused("*3\r\n*1\r\n:1\r\n*1021\r\n");
}


static void
elements_are_counted_anew_for_each_reply(void **state)
{
    size_t           i;
    char             text[16 + 1024 * 4];
    cigna_reader_t  *r;

    (void) state;

    (void) strcpy(text, "*1024\r\n");

    for (i = 0; i < 1024; i++) {
        (void) memcpy(text + 7 + 4 * i, ":1\r\n", 5);
    }

    r = cigna_reader_create();

    for (i = 0; i < 3; i++) {
        feed(r, text);
        cigna_reply_destroy(next(r));
    }

    cigna_reader_destroy(r);
}


static void
nesting_is_bounded(void **state)
{
    (void) state;

    cigna_reply_destroy(reply_of("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"));
    refused("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
    refused("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
}


/*
 * feeds a string reply of n bytes, framing included, in pieces of "step" bytes
 */

static int
string_of(size_t n, size_t step)
{
    int              rc;
    char            *text;
    size_t           i, len;
    cigna_reply_t   *reply;
    cigna_reader_t  *r;

    text = malloc(n + 1);
    assert_non_null(text);

    len = n - strlen("$262144\r\n\r\n");

    memset(text, 'a', n);
    (void) snprintf(text, n, "$%06zu\r", len);
    text[8] = '\n';
    memcpy(text + n - 2, "\r\n", 2);

    r = cigna_reader_create();
    rc = CIGNA_AGAIN;

    for (i = 0; i < n && rc == CIGNA_AGAIN; i += step) {

        rc = cigna_reader_feed(r, cigna_slice_make(text + i,
                                   text + (n - i < step ? n : i + step)));
        assert_int_equal(rc, CIGNA_OK);

        rc = cigna_reader_next(r, &reply);

        if (rc == CIGNA_OK) {
            assert_int_equal(cigna_reply_slice(reply).len, len);
        }

        cigna_reply_destroy(reply);
    }

    cigna_reader_destroy(r);
    free(text);

    return rc;
}


static void
the_length_of_a_reply_is_bounded_in_any_pieces(void **state)
{
    size_t  i;
    size_t  steps[] = { 1000, 16384, CIGNA_REDIS_REPLY_MAX,
                        2 * CIGNA_REDIS_REPLY_MAX };

    (void) state;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(string_of(CIGNA_REDIS_REPLY_MAX, steps[i]), CIGNA_OK);
        assert_int_equal(string_of(CIGNA_REDIS_REPLY_MAX + 1, steps[i]),
                         CIGNA_ERROR);
    }
}


static void
the_bound_applies_to_each_reply_alone(void **state)
{
    size_t           i, n;
    char             text[2048];
    cigna_reader_t  *r;

    (void) state;

    memset(text, 'a', sizeof(text));
    memcpy(text, "$2038\r\n", 7);
    memcpy(text + 2045, "\r\n", 3);

    r = cigna_reader_create();

    for (n = 0; n < 3 * CIGNA_REDIS_REPLY_MAX; n += 4 * 2047) {

        for (i = 0; i < 4; i++) {
            feed(r, text);
        }

        for (i = 0; i < 4; i++) {
            cigna_reply_destroy(next(r));
        }

        assert_next(r, CIGNA_AGAIN);
    }

    cigna_reader_destroy(r);
}


static void
bytes_that_wait_to_be_read_are_bounded(void **state)
{
    size_t           i;
    char             text[2048];
    cigna_reader_t  *r;

    (void) state;

    memset(text, 'a', sizeof(text));

    r = cigna_reader_create();

    for (i = 0; i <= CIGNA_REDIS_REPLY_MAX; i += sizeof(text)) {
        assert_int_equal(cigna_reader_feed(r, cigna_slice_make(text,
                                                  text + sizeof(text))),
                         CIGNA_OK);
    }

    assert_int_equal(cigna_reader_feed(r, cigna_slice("a")), CIGNA_ERROR);

    cigna_reader_destroy(r);
}


static void
a_command_is_an_array_of_strings(void **state)
{
    size_t               len;
    uint8_t             *text;
    const cigna_slice_t  argv[] = { cigna_slice("SET"), cigna_slice("a\r\n"),
                                    cigna_slice_null,
                                    cigna_slice("0123456789") };

    (void) state;

    assert_int_equal(cigna_redis_format(argv, 4, &text, &len), CIGNA_OK);

    assert_slice(cigna_slice_make(text, text + len),
                 "*4\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$0\r\n\r\n"
                 "$10\r\n0123456789\r\n");

    cigna_redis_free(text, len);
}


static void
a_command_without_arguments_or_with_too_many_is_refused(void **state)
{
    size_t         len;
    uint8_t       *text;
    cigna_slice_t  argv[CIGNA_REDIS_ARGS_MAX + 1] = { cigna_slice_null };

    (void) state;

    assert_int_equal(cigna_redis_format(argv, 0, &text, &len), CIGNA_ERROR);
    assert_int_equal(cigna_redis_format(argv, CIGNA_REDIS_ARGS_MAX + 1, &text,
                                        &len), CIGNA_ERROR);

    assert_int_equal(cigna_redis_format(argv, CIGNA_REDIS_ARGS_MAX, &text,
                                        &len), CIGNA_OK);
    cigna_redis_free(text, len);
}


static void
a_command_with_too_many_bytes_is_refused(void **state)
{
    size_t         len;
    uint8_t       *text;
    cigna_slice_t  argv[2] = { cigna_slice("GET"), { mem, 0 } };

    (void) state;

    /* the function checks the length before it reads a byte */

    argv[1].len = CIGNA_REDIS_COMMAND_MAX - 2;
    assert_int_equal(cigna_redis_format(argv, 2, &text, &len), CIGNA_ERROR);

    argv[1].len = SIZE_MAX;
    assert_int_equal(cigna_redis_format(argv, 2, &text, &len), CIGNA_ERROR);
}


static void
a_reader_can_have_other_limits(void **state)
{
    char             text[64];
    cigna_reply_t   *reply;
    cigna_reader_t  *r;

    (void) state;

    (void) snprintf(text, sizeof(text), "*%d\r\n",
                    CIGNA_REDIS_ELEMENTS_MAX + 1);

    r = cigna_reader_create();
    cigna_reader_limit(r, CIGNA_REDIS_REPLY_MAX, CIGNA_REDIS_ELEMENTS_MAX + 1);
    feed(r, text);
    assert_next(r, CIGNA_AGAIN);
    cigna_reader_destroy(r);

    r = cigna_reader_create();
    cigna_reader_limit(r, 10, 2);
    feed(r, "*2\r\n:1\r\n");
    assert_next(r, CIGNA_AGAIN);
    feed(r, ":22\r\n");
    assert_int_equal(cigna_reader_next(r, &reply), CIGNA_ERROR);
    cigna_reader_destroy(r);

    r = cigna_reader_create();
    cigna_reader_limit(r, 100, 2);
    feed(r, "*3\r\n");
    assert_next(r, CIGNA_ERROR);
    cigna_reader_destroy(r);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(each_reply_has_a_type),
        cmocka_unit_test(strings_statuses_and_errors_have_bytes),
        cmocka_unit_test(only_an_integer_reply_has_a_number),
        cmocka_unit_test(elements_of_an_array_are_borrowed),
        cmocka_unit_test(the_first_word_of_an_error_is_its_code),
        cmocka_unit_test(
            the_error_of_a_replica_is_recognized_in_a_script_too),
        cmocka_unit_test(replies_come_in_the_order_they_were_sent),
        cmocka_unit_test(a_reply_may_come_byte_by_byte),
        cmocka_unit_test(a_reader_may_end_in_the_middle_of_a_reply),
        cmocka_unit_test(strings_are_wiped_before_they_are_freed),
        cmocka_unit_test(bytes_of_another_protocol_are_an_error),
        cmocka_unit_test(a_reader_fails_for_good_after_an_error),
        cmocka_unit_test(elements_are_bounded_before_they_are_allocated),
        cmocka_unit_test(elements_are_counted_anew_for_each_reply),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(the_length_of_a_reply_is_bounded_in_any_pieces),
        cmocka_unit_test(the_bound_applies_to_each_reply_alone),
        cmocka_unit_test(bytes_that_wait_to_be_read_are_bounded),
        cmocka_unit_test(a_reader_can_have_other_limits),
        cmocka_unit_test(a_command_is_an_array_of_strings),
        cmocka_unit_test(
            a_command_without_arguments_or_with_too_many_is_refused),
        cmocka_unit_test(a_command_with_too_many_bytes_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
