
#define _GNU_SOURCE

#include <stdio.h>

#include "acting.h"
#include "rings.h"


static cigna_redis_handshake_t *
begin(void)
{
    world_handshake(&w, &a);

    a.flow.handshake.check = cigna_redis_handshake_check_policy;

    return &a.flow.handshake;
}


static cigna_redis_handshake_t *
finish(void)
{
    world_run(&w, &a);

    assert_null(strstr(a.flow.handshake.error, WORLD_MARKER));

    return &a.flow.handshake;
}


/* begins a handshake that checks policy and marker of the vault */

static cigna_redis_handshake_t *
begin_vault(void)
{
    cigna_redis_handshake_t  *f;

    f = begin();
    f->check = cigna_redis_handshake_check_vault;
    f->vault = &w.vault;
    f->slot = CIGNA_MARKER_NO_SLOT;

    return f;
}


/*
 * puts a marker into Redis, sealed with the key ring with the text "ring", or
 * with the vault's if "ring" is NULL
 */

static void
put_marker(const char *key, const char *ring)
{
    uint8_t        mem[CIGNA_MARKER_LEN], nonce[CIGNA_SEAL_NONCE_LEN];
    cigna_buf_t    b;
    cigna_vault_t  vault;

    vault = w.vault;

    if (ring) {
        vault.ring = ring_of(ring);
    }

    memset(nonce, 7, sizeof(nonce));
    cigna_buf_init(&b, mem, sizeof(mem));

    assert_int_equal(ring_marker(&vault, cigna_slice_str(key), 1000, nonce, &b),
                     CIGNA_OK);

    if (ring) {
        cigna_keyring_destroy(vault.ring);
    }

    world_set_bytes(&w.redis, cigna_slice_str(key), "b", cigna_buf_slice(&b));
}


/* answers the pending command with a text in Redis' protocol */

static void
answer(const char *resp)
{
    cigna_event_t   ev;
    cigna_reply_t  *reply;

    reply = world_reply(resp, strlen(resp));

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    ev.reply = reply;

    cigna_redis_handshake_next(&a.flow.handshake, &ev, &a.op);
    a.done = a.op.type == cigna_op_done;

    cigna_reply_destroy(reply);
}


static cigna_redis_handshake_e
rc_after(unsigned fine, const char *resp)
{
    world_end(&a);
    (void) begin();

    /* the first step starts the flow, and sends no command */

    world_step(&w, &a, world_fine);

    while (fine--) {
        world_step(&w, &a, world_fine);
    }

    answer(resp);

    if (!a.done) {
        world_run(&w, &a);
    }

    return a.flow.handshake.rc;
}


static void
a_connection_is_set_up_in_order(void **state)
{
    cigna_redis_handshake_t  *f;

    (void) state;

    f = begin();
    f->username = cigna_slice("gateway");
    f->db = 7;

    world_step(&w, &a, world_fine);
    assert_int_equal(a.op.redis.argc, 3);
    assert_slice(a.op.redis.argv[0], "AUTH");
    assert_slice(a.op.redis.argv[1], "gateway");
    assert_slice(a.op.redis.argv[2], WORLD_MARKER "-redis");
    assert_int_equal(f->rc, cigna_redis_handshake_pending);

    world_step(&w, &a, world_fine);
    assert_slice(a.op.redis.argv[0], "SELECT");
    assert_slice(a.op.redis.argv[1], "7");

    world_step(&w, &a, world_fine);
    assert_slice(a.op.redis.argv[0], "CLIENT");
    assert_slice(a.op.redis.argv[1], "SETNAME");
    assert_slice(a.op.redis.argv[2], "cigna");

    world_step(&w, &a, world_fine);
    assert_slice(a.op.redis.argv[0], "INFO");
    assert_slice(a.op.redis.argv[1], "memory");

    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);
    assert_string_equal(f->error, "");
}


static void
settings_that_are_not_configured_are_not_sent(void **state)
{
    (void) state;

    begin()->password = cigna_slice_null;

    world_step(&w, &a, world_fine);
    assert_slice(a.op.redis.argv[0], "CLIENT");

    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);
}


static void
a_password_alone_is_that_of_the_default_user(void **state)
{
    (void) state;

    (void) begin();
    world_step(&w, &a, world_fine);
    assert_int_equal(a.op.redis.argc, 2);
    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);
}


static void
a_redis_that_evicts_is_refused(void **state)
{
    size_t              i;
    static const char  *policies[] = {
        "allkeys-lru", "volatile-ttl", "noeviction2", "xnoeviction"
    };

    (void) state;

    for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        (void) snprintf(w.redis.policy, sizeof(w.redis.policy), "%s",
                        policies[i]);

        world_end(&a);
        (void) begin();
        assert_int_equal(finish()->rc, cigna_redis_handshake_evicts);
        assert_non_null(strstr(a.flow.handshake.error, "noeviction"));
    }
}


static void
an_unknown_policy_is_a_failure(void **state)
{
    (void) state;

    assert_int_equal(rc_after(2, "$0\r\n\r\n"), cigna_redis_handshake_broken);
    assert_int_equal(rc_after(2, "$-1\r\n"), cigna_redis_handshake_broken);
    assert_int_equal(rc_after(2, "*0\r\n"), cigna_redis_handshake_broken);
    assert_int_equal(rc_after(2, "$27\r\nxmaxmemory_policy:noeviction\r\n"),
                     cigna_redis_handshake_broken);
    assert_int_equal(rc_after(2, "$17\r\nmaxmemory_policy:\r\n"),
                     cigna_redis_handshake_broken);
}


static void
the_policy_may_be_the_last_line(void **state)
{
    (void) state;

    assert_int_equal(rc_after(2, "$29\r\na\nmaxmemory_policy:noeviction\r\n"),
                     cigna_redis_handshake_ok);
}


static void
a_wrong_password_is_refused(void **state)
{
    (void) state;

    begin()->password = cigna_slice(WORLD_MARKER "-wrong");

    assert_int_equal(finish()->rc, cigna_redis_handshake_refused);
    assert_string_equal(a.flow.handshake.error,
                        "wrong username or password: AUTH");
}


static void
refusals_and_temporary_errors_have_different_results(void **state)
{
    size_t  i;

    static const struct {
        const char               *error;
        cigna_redis_handshake_e   rc;
    } errors[] = {
        { "-NOAUTH Authentication required.\r\n",
          cigna_redis_handshake_refused },
        { "-NOPERM this user has no permissions\r\n",
          cigna_redis_handshake_refused },
        { "-ERR invalid password\r\n", cigna_redis_handshake_refused },
        { "-ERR DB index is out of range\r\n", cigna_redis_handshake_refused },
        { "-DENIED Redis is running in protected mode\r\n",
          cigna_redis_handshake_refused },
        { "-LOADING Redis is loading the dataset in memory\r\n",
          cigna_redis_handshake_busy },
        { "-MASTERDOWN Link with MASTER is down\r\n",
          cigna_redis_handshake_busy },
        { "-CLUSTERDOWN The cluster is down\r\n", cigna_redis_handshake_busy },
        { "-BUSY Redis is busy running a script.\r\n",
          cigna_redis_handshake_busy }
    };

    (void) state;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_int_equal(rc_after(0, errors[i].error), errors[i].rc);
        assert_true(a.done);
        assert_string_not_equal(a.flow.handshake.error, "");
    }
}


static void
a_forbidden_info_has_a_clear_error(void **state)
{
    (void) state;

    assert_int_equal(rc_after(2, "-NOPERM this user has no permissions to "
                              "run the 'info' command\r\n"),
                     cigna_redis_handshake_refused);
    assert_string_equal(a.flow.handshake.error,
                        "the Redis user lacks a permission: INFO");
}


static void
a_forbidden_setname_does_not_matter(void **state)
{
    (void) state;

    assert_int_equal(rc_after(1, "-NOPERM no permissions to run 'client'\r\n"),
                     cigna_redis_handshake_ok);
}


static void
an_error_that_quotes_the_password_is_not_passed_on(void **state)
{
    (void) state;

    assert_int_equal(rc_after(0, "-ERR unknown command `AUTH`, with args "
                              "beginning with: `" WORLD_MARKER "-redis`\r\n"),
                     cigna_redis_handshake_refused);
    assert_null(strstr(a.flow.handshake.error, WORLD_MARKER));
    assert_string_equal(a.flow.handshake.error, "Redis refused: AUTH");
}


static void
a_failure_of_any_operation_is_broken(void **state)
{
    unsigned  nth, kind;

    (void) state;

    for (kind = world_unsent; kind < world_error; kind++) {
        for (nth = 1; ; nth++) {
            world_end(&a);
            begin()->db = 1;

            if (!world_run_fault(&w, &a, nth, kind)) {
                break;
            }

            assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_broken);
        }

        assert_int_equal(nth, 5);
        assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_ok);
    }
}


static void
the_marker_identifies_the_vault(void **state)
{
    cigna_redis_handshake_t  *f;

    (void) state;

    put_marker("cigna:v:{vault}", NULL);
    f = begin_vault();

    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    assert_int_equal(a.op.type, cigna_op_script);
    assert_int_equal(a.op.redis.argc, 1);
    assert_slice(a.op.redis.argv[0], "cigna:v:{vault}");

    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);
    assert_string_equal(f->error, "");
    assert_true(f->age_ms >= 0);
}


static void
a_primary_keeps_its_number_while_it_is_the_primary(void **state)
{
    uint64_t  primary;

    (void) state;

    put_marker("cigna:v:{vault}", NULL);
    (void) begin_vault();
    primary = finish()->primary;
    assert_int_not_equal(primary, 0);

    world_end(&a);
    begin_vault()->again = 1;
    assert_true(finish()->primary == primary);

    world_delete(&w.redis, cigna_slice("cigna:v:{vault}"));
    world_end(&a);
    (void) begin_vault();
    assert_int_equal(finish()->primary, 0);
}


static void
a_cluster_has_a_marker_for_each_slot(void **state)
{
    (void) state;

    put_marker("cigna:v:{3560}", NULL);
    begin_vault()->slot = 0;
    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);

    world_end(&a);
    begin_vault()->slot = 1;
    assert_int_equal(finish()->rc, cigna_redis_handshake_foreign);
}


static void
a_redis_without_the_marker_is_foreign(void **state)
{
    (void) state;

    (void) begin_vault();
    assert_int_equal(finish()->rc, cigna_redis_handshake_foreign);
    assert_non_null(strstr(a.flow.handshake.error, "scripts/vault init"));
    assert_int_equal(a.flow.handshake.age_ms, -1);
}


static void
a_marker_of_another_name_key_is_foreign(void **state)
{
    (void) state;

    put_marker("cigna:v:{vault}", OTHER_NAME SEAL);

    (void) begin_vault();
    assert_int_equal(finish()->rc, cigna_redis_handshake_foreign);
    assert_non_null(strstr(a.flow.handshake.error, "another name key"));
}


static void
a_marker_outlives_the_sealing_keys(void **state)
{
    (void) state;

    put_marker("cigna:v:{vault}", NAME OTHER);

    (void) begin_vault();
    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);
}


static void
a_damaged_marker_is_foreign(void **state)
{
    (void) state;

    world_set(&w.redis, cigna_slice("cigna:v:{vault}"), "b", "nonsense");

    (void) begin_vault();
    assert_int_equal(finish()->rc, cigna_redis_handshake_foreign);
    assert_string_not_equal(a.flow.handshake.error, "");
}


static void
a_redis_that_evicts_is_refused_whatever_its_marker(void **state)
{
    (void) state;

    put_marker("cigna:v:{vault}", NULL);
    (void) snprintf(w.redis.policy, sizeof(w.redis.policy), "volatile-lru");

    (void) begin_vault();
    assert_int_equal(finish()->rc, cigna_redis_handshake_evicts);
}


static void
a_replica_is_told_from_a_primary(void **state)
{
    (void) state;

    (void) begin_vault();
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    answer("*1\r\n$7\r\nreplica\r\n");

    assert_true(a.done);
    assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_replica);
}


static void
a_redirection_says_nothing_about_the_vault(void **state)
{
    size_t  i;

    static const char  *errors[] = {
        "-MOVED 0 127.0.0.1:7001\r\n", "-ASK 0 127.0.0.1:7001\r\n",
        "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        world_end(&a);
        begin_vault()->again = 1;
        world_step(&w, &a, world_fine);
        answer(errors[i]);

        assert_true(a.done);
        assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_elsewhere);
    }
}


static void
a_malformed_reply_to_the_check_is_a_failure(void **state)
{
    size_t  i;

    static const char  *replies[] = {
        "*0\r\n", "+ok\r\n", "*1\r\n$2\r\nok\r\n",
        "*2\r\n$4\r\nwhat\r\n$10\r\nnoeviction\r\n",
        "*2\r\n$2\r\nok\r\n$10\r\nnoeviction\r\n",
        "*4\r\n$2\r\nok\r\n$10\r\nnoeviction\r\n$-1\r\n:1\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        world_end(&a);
        begin_vault()->again = 1;
        world_step(&w, &a, world_fine);
        answer(replies[i]);

        assert_true(a.done);
        assert_int_not_equal(a.flow.handshake.rc, cigna_redis_handshake_ok);
        assert_string_not_equal(a.flow.handshake.error, "");
        assert_int_equal(a.flow.handshake.age_ms, -1);
    }
}


static void
a_later_check_sends_only_the_check(void **state)
{
    (void) state;

    put_marker("cigna:v:{vault}", NULL);
    begin_vault()->again = 1;

    world_step(&w, &a, world_fine);
    assert_int_equal(a.op.type, cigna_op_script);
    assert_int_equal(finish()->rc, cigna_redis_handshake_ok);
}


static void
a_sentinel_is_not_checked(void **state)
{
    (void) state;

    begin()->check = cigna_redis_handshake_check_none;

    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    assert_true(a.done);
    assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_ok);
}


static int
setup(void **state)
{
    (void) state;

    new_world();

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_connection_is_set_up_in_order),
        test(settings_that_are_not_configured_are_not_sent),
        test(a_password_alone_is_that_of_the_default_user),
        test(a_redis_that_evicts_is_refused),
        test(an_unknown_policy_is_a_failure),
        test(the_policy_may_be_the_last_line),
        test(a_wrong_password_is_refused),
        test(refusals_and_temporary_errors_have_different_results),
        test(a_forbidden_info_has_a_clear_error),
        test(a_forbidden_setname_does_not_matter),
        test(an_error_that_quotes_the_password_is_not_passed_on),
        test(a_failure_of_any_operation_is_broken),
        test(the_marker_identifies_the_vault),
        test(a_primary_keeps_its_number_while_it_is_the_primary),
        test(a_cluster_has_a_marker_for_each_slot),
        test(a_redis_without_the_marker_is_foreign),
        test(a_marker_of_another_name_key_is_foreign),
        test(a_marker_outlives_the_sealing_keys),
        test(a_damaged_marker_is_foreign),
        test(a_redis_that_evicts_is_refused_whatever_its_marker),
        test(a_replica_is_told_from_a_primary),
        test(a_redirection_says_nothing_about_the_vault),
        test(a_malformed_reply_to_the_check_is_a_failure),
        test(a_later_check_sends_only_the_check),
        test(a_sentinel_is_not_checked)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
