
#include <stdlib.h>

#include "rings.h"
#include "support.h"

#include "vault/cigna_reseal.h"
#include "world.h"


/* beside the key of the world's ring and the other one: bytes 96 to 127 */

#define ELSE  "seal YGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn8\n"


static world_t        w;
static cigna_vault_t  after;               /* the new key is first */
static uint8_t        mem[128 * 1024];
static cigna_arena_t  arena;
static unsigned       commands;


static cigna_vault_t
vault_of(const char *text)
{
    cigna_vault_t  vault;

    vault = w.vault;
    vault.ring = ring_of(text);

    return vault;
}


/*
 * Runs the flow; from the fault-th operation on (from 1, 0: never) all fail as
 * told.  "before" is called before each operation, may be NULL.
 */

static void (*before)(unsigned n);

static cigna_reseal_e
reseal(const cigna_vault_t *vault, unsigned fault, cigna_ev_e how)
{
    cigna_op_t       op;
    cigna_event_t    ev;
    cigna_reply_t   *reply;
    cigna_reseal_t   f;
    cigna_subject_t  s;

    cigna_arena_wipe(&arena);

    s = world_subject(&w, &arena);
    s.vault = vault;
    f.subject = &s;

    cigna_reseal_init(&f);
    assert_int_equal(f.rc, cigna_reseal_pending);

    memset(&ev, 0, sizeof(ev));
    reply = NULL;
    commands = 0;

    for ( ;; ) {
        memset(&op, 0xa5, sizeof(op));
        cigna_reseal_next(&f, &ev, &op);
        cigna_reply_destroy(reply);
        reply = NULL;

        if (op.type == cigna_op_done) {
            break;
        }

        commands++;
        assert_true(commands <= 2);

        if (before) {
            before(commands);
        }

        ev.type = cigna_ev_ok;
        ev.now_ms = w.now_ms;

        if (fault && commands >= fault) {
            ev.type = how;

            if (how == cigna_ev_ok) {
                reply = world_reply("-ERR no\r\n", 9);
            }

        } else {
            reply = world_redis(&w, &op);
        }

        ev.reply = reply;
    }

    return f.rc;
}


/* the grant that is there, as the vault opens it */

static int
opened(const cigna_vault_t *vault, cigna_grant_t *g)
{
    int              rc;
    cigna_op_t       op;
    cigna_slice_t    argv[CIGNA_GRANT_READ_ARGC];
    cigna_reply_t   *reply;
    cigna_subject_t  s;

    memset(g, 0, sizeof(cigna_grant_t));
    cigna_flow_redis(&op, argv,
                     (unsigned) cigna_vault_read_args(&w.identity, argv));

    reply = world_redis(&w, &op);
    s = world_subject(&w, &arena);
    s.vault = vault;
    rc = cigna_vault_read_grant(&s, reply, g, NULL);
    cigna_reply_destroy(reply);

    return rc;
}


static const world_field_t *
field(const char *name)
{
    return world_get(&w, w.identity.grant_key, name);
}


static world_field_t
copied(const char *name)
{
    world_field_t  f;

    f = *field(name);
    f.data = malloc(f.len);
    memcpy(f.data, field(name)->data, f.len);

    return f;
}


static int
same(const world_field_t *f, const char *name)
{
    return field(name) && f->len == field(name)->len
           && memcmp(f->data, field(name)->data, f->len) == 0;
}


static void
the_same_grant_is_there_under_the_first_key(void **state)
{
    cigna_vault_t  only_new;
    cigna_grant_t  g;
    world_field_t  blob, id, generation;

    (void) state;

    blob = copied("b");
    id = copied("i");
    generation = copied("g");

    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
    assert_int_equal(commands, 2);

    assert_false(same(&blob, "b"));
    assert_int_equal(field("b")->len, blob.len);
    assert_true(same(&id, "i"));
    assert_true(same(&generation, "g"));

    /* the registration in clear, version and nonce are as they were */

    assert_memory_equal(field("b")->data, blob.data, 33);
    assert_memory_not_equal(field("b")->data + 33, blob.data + 33, 8);
    assert_memory_equal(field("b")->data + 41, blob.data + 41, 12);

    only_new = vault_of(NAME OTHER);
    assert_int_equal(opened(&only_new, &g), CIGNA_OK);
    assert_int_equal(g.generation, 1);
    assert_true(world_alive(&w, g.access_token));
    assert_true(world_alive(&w, g.refresh_token));
    assert_int_equal(opened(&w.vault, &g), CIGNA_SEAL_UNKNOWN_KEY);

    cigna_keyring_destroy(only_new.ring);
    free(blob.data);
    free(id.data);
    free(generation.data);
}


static void
what_is_under_the_first_key_is_left_alone(void **state)
{
    world_field_t  blob;

    (void) state;

    blob = copied("b");
    assert_int_equal(reseal(&w.vault, 0, cigna_ev_ok), cigna_reseal_current);
    assert_int_equal(commands, 1);
    assert_true(same(&blob, "b"));

    free(blob.data);
}


static void
whoever_seals_again_makes_the_same_bytes(void **state)
{
    cigna_vault_t  back;
    world_field_t  blob, fresh;

    (void) state;

    blob = copied("b");
    back = vault_of(NAME SEAL OTHER);

    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
    fresh = copied("b");

    assert_int_equal(reseal(&back, 0, cigna_ev_ok), cigna_reseal_ok);
    assert_true(same(&blob, "b"));

    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
    assert_true(same(&fresh, "b"));

    cigna_keyring_destroy(back.ring);
    free(blob.data);
    free(fresh.data);
}


static void
refresh_meanwhile(unsigned n)
{
    world_actor_t  a;

    if (n == 2) {
        a.watch = NULL;
        w.now_ms += 3600 * 1000;
        world_refresh(&w, &a);
        world_run(&w, &a);
        assert_int_equal(a.flow.refresh.rc, cigna_refresh_ok);
        world_end(&a);
    }
}


static void
a_refresh_that_comes_between_wins(void **state)
{
    cigna_grant_t  g;

    (void) state;

    before = refresh_meanwhile;
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_changed);

    assert_int_equal(opened(&w.vault, &g), CIGNA_OK);
    assert_int_equal(g.generation, 2);
    assert_true(world_alive(&w, g.access_token));
}


static void
reseal_meanwhile(unsigned n)
{
    before = NULL;

    if (n == 2) {
        uint8_t        *held;
        cigna_arena_t   outer;

        outer = arena;
        held = malloc(sizeof(mem));
        cigna_arena_init(&arena, held, sizeof(mem));
        assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
        free(held);
        arena = outer;
    }
}


static void
both_of_two_at_once_have_done_it(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(reseal(&after, 2, cigna_ev_lost),
                     cigna_reseal_unavailable);

    before = reseal_meanwhile;
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
    assert_int_equal(opened(&after, &g), CIGNA_OK);
}


static void
disconnect_meanwhile(unsigned n)
{
    world_actor_t  a;

    if (n == 2) {
        a.watch = NULL;
        world_disconnect(&w, &a);
        world_run(&w, &a);
        world_end(&a);
    }
}


static void
a_deleted_grant_is_not_revived(void **state)
{
    (void) state;

    before = disconnect_meanwhile;
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_changed);
    assert_null(field("b"));
    assert_null(field("i"));

    before = NULL;
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_gone);
}


static void
expiry_and_mark_are_left_alone(void **state)
{
    int64_t   expires_ms;
    unsigned  i;

    (void) state;

    expires_ms = 0;
    world_set(&w, w.identity.grant_key, "m", "1700000000999");
    world_set(&w, w.identity.grant_key, "n", "1");

    for (i = 0; i < WORLD_KEYS; i++) {
        if (w.keys[i].name && strstr(w.keys[i].name, ":g:")) {
            expires_ms = w.keys[i].expires_ms;
        }
    }

    w.now_ms += 1000;
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);

    for (i = 0; i < WORLD_KEYS; i++) {
        if (w.keys[i].name && strstr(w.keys[i].name, ":g:")) {
            assert_int_equal(w.keys[i].expires_ms, expires_ms);
        }
    }

    assert_memory_equal(field("m")->data, "1700000000999", 13);
    assert_memory_equal(field("n")->data, "1", 1);
    assert_int_equal(w.published, 1);
}


static void
without_the_key_nothing_is_touched(void **state)
{
    world_field_t  blob;
    cigna_vault_t  other;

    (void) state;

    blob = copied("b");
    other = vault_of(NAME OTHER ELSE);

    assert_int_equal(reseal(&other, 0, cigna_ev_ok),
                     cigna_reseal_unknown_key);
    assert_int_equal(commands, 1);
    assert_true(same(&blob, "b"));

    cigna_keyring_destroy(other.ring);
    free(blob.data);
}


static void
a_damaged_record_is_not_touched(void **state)
{
    world_field_t  blob;

    (void) state;

    world_set(&w, w.identity.grant_key, "g", "7");
    blob = copied("b");
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_damaged);
    assert_int_equal(commands, 1);
    assert_true(same(&blob, "b"));
    free(blob.data);

    world_set(&w, w.identity.grant_key, "b", "short");
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_damaged);

    world_set(&w, w.identity.grant_key, "b", NULL);
    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_damaged);
}


static void
another_registration_does_not_keep_it_from_being_sealed_again(void **state)
{
    cigna_grant_t  g;

    (void) state;

    w.provider.client_id = cigna_slice("another");
    w.provider.has_registration = 0;

    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
    assert_int_equal(opened(&after, &g), CIGNA_VAULT_MOVED);
}


static void
whatever_fails_is_left_to_the_next_one(void **state)
{
    unsigned    n;
    cigna_ev_e  how;

    (void) state;

    for (n = 1; n <= 2; n++) {
        for (how = cigna_ev_ok; how <= cigna_ev_lost; how++) {
            assert_int_equal(reseal(&after, n, how),
                             cigna_reseal_unavailable);
            assert_int_equal(commands, n);
        }
    }

    assert_int_equal(reseal(&after, 0, cigna_ev_ok), cigna_reseal_ok);
}


static void
an_arena_that_is_too_small_is_no_harm(void **state)
{
    size_t          size;
    world_field_t   blob;
    cigna_reseal_e  rc;

    (void) state;

    blob = copied("b");

    for (size = 0; size < sizeof(mem); size += 64) {
        cigna_arena_init(&arena, mem, size);
        rc = reseal(&after, 0, cigna_ev_ok);

        if (rc == cigna_reseal_ok) {
            break;
        }

        assert_int_equal(rc, cigna_reseal_unavailable);
        assert_true(same(&blob, "b"));
    }

    assert_true(size > blob.len);
    assert_true(size < 8 * blob.len);
    free(blob.data);
}


static void
every_result_has_a_name(void **state)
{
    cigna_reseal_e  rc;

    (void) state;

    for (rc = cigna_reseal_ok; rc <= cigna_reseal_unavailable; rc++) {
        assert_true(strlen(cigna_reseal_name(rc)) > 0);
    }
}


static int
setup(void **state)
{
    (void) state;

    world_init(&w);
    world_connected(&w);
    after = vault_of(NAME OTHER SEAL);
    cigna_arena_init(&arena, mem, sizeof(mem));
    before = NULL;

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    cigna_keyring_destroy(after.ring);
    world_done(&w);

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_same_grant_is_there_under_the_first_key),
        test(what_is_under_the_first_key_is_left_alone),
        test(whoever_seals_again_makes_the_same_bytes),
        test(a_refresh_that_comes_between_wins),
        test(both_of_two_at_once_have_done_it),
        test(a_deleted_grant_is_not_revived),
        test(expiry_and_mark_are_left_alone),
        test(without_the_key_nothing_is_touched),
        test(a_damaged_record_is_not_touched),
        test(another_registration_does_not_keep_it_from_being_sealed_again),
        test(whatever_fails_is_left_to_the_next_one),
        test(an_arena_that_is_too_small_is_no_harm),
        test(every_result_has_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
