
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "former_scripts.h"
#include "redis_server.h"
#include "support.h"

#include "world_actors.h"


/*
 * The scripts on a real Redis: standalone, as a cluster of one node, and with a
 * user who may run only the commands that the flows need.  Each script in Lua
 * is compared with the simulated world's version in C.
 */


static redis_server_t  plain, cluster;

static world_t         w;
static world_actor_t   a, b;


/* helpers that send commands to the servers */

static redisReply *
ask(redisContext *c, const char *format, ...)
{
    va_list      args;
    redisReply  *reply;

    va_start(args, format);
    reply = redisvCommand(c, format, args);
    va_end(args);

    assert_non_null(reply);

    return reply;
}


static void
tell(redisContext *c, const char *command)
{
    redisReply  *reply;

    reply = ask(c, command);

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", command, reply->str);
    }

    freeReplyObject(reply);
}


static int
start_servers(void **state)
{
    (void) state;

    return redis_server_start(&plain, 0) | redis_server_start(&cluster, 1);
}


static int
stop_servers(void **state)
{
    (void) state;

    return redis_server_stop(&plain) | redis_server_stop(&cluster);
}


/* sends an operation to Redis as the gateway's driver does */

static redisReply *
send_op(redisContext *c, const cigna_op_t *op, const char *eval,
    const char *script)
{
    size_t       len[CIGNA_REDIS_ARGS_MAX + 3];
    char         nkeys[8];
    unsigned     i, n;
    redisReply  *reply;
    const char  *argv[CIGNA_REDIS_ARGS_MAX + 3];

    n = 0;

    if (eval) {
        (void) snprintf(nkeys, sizeof(nkeys), "%u", op->redis.script->nkeys);

        argv[n++] = eval;
        argv[n++] = script;
        argv[n++] = nkeys;
    }

    for (i = 0; i < n; i++) {
        len[i] = strlen(argv[i]);
    }

    for (i = 0; i < op->redis.argc; i++) {
        argv[n] = (const char *) op->redis.argv[i].data;
        len[n++] = op->redis.argv[i].len;
    }

    reply = redisCommandArgv(c, (int) n, argv, len);
    assert_non_null(reply);

    return reply;
}


static cigna_reply_t *
on_redis(void *data, const cigna_op_t *op)
{
    redisReply    *reply;
    redisContext  *c;

    c = data;

    if (op->type == cigna_op_redis) {
        return send_op(c, op, NULL, NULL);
    }

    reply = send_op(c, op, "EVALSHA", op->redis.script->sha1);

    if (reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "NOSCRIPT", 8) == 0)
    {
        freeReplyObject(reply);
        reply = send_op(c, op, "EVAL", op->redis.script->text);
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", op->redis.script->name, reply->str);
    }

    return reply;
}


static void
live_on(redisContext *c)
{
    w.redis.real = on_redis;
    w.redis.real_data = c;
}


/* each key in Redis must have an expiry, and no value may have a secret */

static void
assert_sound(redisContext *c)
{
    size_t       i;
    redisReply  *keys, *reply;

    keys = ask(c, "KEYS *");

    for (i = 0; i < keys->elements; i++) {
        reply = ask(c, "PTTL %s", keys->element[i]->str);
        assert_true(reply->integer > 0);
        freeReplyObject(reply);

        reply = ask(c, "DUMP %s", keys->element[i]->str);
        assert_null(memmem(reply->str, reply->len, WORLD_MARKER,
                           sizeof(WORLD_MARKER) - 1));
        freeReplyObject(reply);
    }

    freeReplyObject(keys);
}


/* tests of single scripts */

static redisReply *
call(cigna_script_e script, ...)
{
    va_list      args;
    const char  *arg;
    cigna_op_t   op;

    op.type = cigna_op_script;
    op.redis.script = cigna_script(script);
    op.redis.argc = 0;

    va_start(args, script);

    for (arg = va_arg(args, const char *); arg;
         arg = va_arg(args, const char *))
    {
        op.redis.argv[op.redis.argc++] = cigna_slice_str(arg);
    }

    va_end(args);

    return on_redis(plain.redis, &op);
}


#define assert_says(word, ...)                                                \
    do {                                                                      \
        redisReply  *says = call(__VA_ARGS__, (const char *) NULL);           \
                                                                              \
        assert_string_equal(says->element[0]->str, word);                     \
        freeReplyObject(says);                                                \
    } while (0)


static void
assert_there(const char *command)
{
    redisReply  *reply;

    reply = ask(plain.redis, command);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
}


static void
assert_value(const char *command, const char *value)
{
    redisReply  *reply;

    reply = ask(plain.redis, command);

    if (value) {
        assert_int_equal(reply->type, REDIS_REPLY_STRING);
        assert_string_equal(reply->str, value);

    } else {
        assert_int_equal(reply->type, REDIS_REPLY_NIL);
    }

    freeReplyObject(reply);
}


#define OPEN_AS(life, line)                                                   \
    cigna_script_dance_open, "d:{1}", "blob", "secret", "who", "id", life,    \
    "60000", "rest", "tenant", line, "900000"

#define OPEN(life)  OPEN_AS(life, "started")

#define TAKE(secret, who, taker, ms)                                          \
    cigna_script_dance_claim, "d:{1}", secret, who, taker, ms, "returned"

#define END(taker, outcome)                                                   \
    cigna_script_dance_end, "d:{1}", taker, outcome, "https://a/", "ended"

#define CLOSE(outcome, closer)                                                \
    cigna_script_dance_close, "d:{1}", outcome, closer, "closed"

#define LIST(entry, most, due)                                                \
    cigna_script_dance_list, "o:{s}:m", "i:{s}", entry, most, "60000", due,   \
    "900000", "2"

#define FORGET_DANCE(entry, count, ended, most)                               \
    cigna_script_dance_forget, "o:{s}:m", "i:{s}", "e:{s}", "c:{s}:1", entry, \
    count, ended, most, "900000"

#define PUT(id)                                                               \
    cigna_script_grant_install, "g:{1}", id, "1", "blob", "60000", "ch", "who"

#define BEGIN(owner, id, generation, mark, attempts)                          \
    cigna_script_grant_begin, "g:{1}", "l:{1}", owner, id, generation,        \
    "60000", mark, attempts

#define SWAP(owner, id, generation)                                           \
    cigna_script_grant_swap, "g:{1}", "l:{1}", owner, id, generation,         \
    "blob" generation, "60000", "ch", "who", ""

#define SPEND(owner, id, generation)                                          \
    cigna_script_grant_swap, "g:{1}", "l:{1}", owner, id, generation,         \
    "spent" generation, "60000", "ch", "who", "1"

#define RENEW(owner)                                                          \
    cigna_script_grant_renew, "g:{1}", "l:{1}", owner, "60000", "60000",      \
    "id", "1", "1"

#define RETAKE(owner, id, generation, attempts)                               \
    cigna_script_grant_retake, "g:{1}", "l:{1}", owner, "60000", "60000",     \
    id, generation, attempts

#define RESTORE(id, generation, connected)                                    \
    cigna_script_grant_replay, "g:{1}", id, generation, "blob" generation,   \
    "60000", connected, "ch", "who"

#define FORGET(id, connected)                                                 \
    cigna_script_grant_forget, "g:{1}", "l:{1}", id, connected, "60000",      \
    "ch", "who"

#define RELEASE(owner, keep)                                                  \
    cigna_script_grant_release, "g:{1}", "l:{1}", owner, keep

#define RESEAL(before, after)                                                 \
    cigna_script_grant_reseal, "g:{1}", before, after

#define DELETE                                                                \
    cigna_script_grant_delete, "g:{1}", "l:{1}", "60000", "ch", "who"


static void
every_digest_is_the_one_redis_computes(void **state)
{
    unsigned     i;
    redisReply  *reply;

    (void) state;

    for (i = 0; i < cigna_script_max; i++) {
        reply = ask(plain.redis, "SCRIPT LOAD %s", cigna_script(i)->text);

        assert_int_equal(reply->type, REDIS_REPLY_STRING);
        assert_string_equal(reply->str, cigna_script(i)->sha1);
        freeReplyObject(reply);
    }
}


static void
a_dance_is_taken_once(void **state)
{
    (void) state;

    assert_says("absent", TAKE("secret", "who", "t1", "60000"));
    assert_says("ok", OPEN("60000"));
    assert_says("mismatch", TAKE("", "who", "t1", "60000"));
    assert_says("mismatch", TAKE("other", "who", "t1", "60000"));
    assert_value("HGET d:{1} t", NULL);
    assert_says("yours", TAKE("secret", "who", "t1", "60000"));
    assert_says("yours", TAKE("secret", "who", "t1", "60000"));
    assert_says("taken", TAKE("secret", "who", "t2", "60000"));
    assert_says("other", END("t2", "denied"));
    assert_says("ok", END("t1", "denied"));
    assert_value("HGET d:{1} b", NULL);
    assert_says("ended", TAKE("secret", "who", "t1", "60000"));
    assert_says("ended", END("t1", "connected"));
    assert_value("HGET d:{1} o", "denied");
}


/* checks element i of a script's reply */

static void
assert_element(size_t i, const char *value, cigna_script_e script, ...)
{
    va_list      args;
    size_t       n;
    const char  *argv[12] = { NULL };
    redisReply  *reply;

    va_start(args, script);

    for (n = 0; n < 11; n++) {
        argv[n] = va_arg(args, const char *);

        if (argv[n] == NULL) {
            break;
        }
    }

    va_end(args);

    reply = call(script, argv[0], argv[1], argv[2], argv[3], argv[4], argv[5],
                 argv[6], argv[7], argv[8], argv[9], argv[10], argv[11]);
    assert_true(reply->elements > i);
    assert_string_equal(reply->element[i]->str, value);
    freeReplyObject(reply);
}


#define assert_told(i, value, ...)                                            \
    assert_element(i, value, __VA_ARGS__, (const char *) NULL)


static void
a_taken_dance_is_interrupted_after_its_deadline(void **state)
{
    (void) state;

    assert_says("ok", OPEN("60000"));
    assert_says("yours", TAKE("secret", "who", "t1", "5"));
    (void) usleep(10 * 1000);

    /* only the first taker after the deadline ends the dance */

    assert_told(5, "1", TAKE("secret", "who", "t2", "60000"));
    assert_told(6, "interrupted", TAKE("secret", "who", "t2", "60000"));
    assert_told(5, "1", TAKE("secret", "who", "t2", "60000"));
    assert_told(5, "0", TAKE("secret", "who", "t1", "60000"));
    assert_value("HGET d:{1} b", NULL);
    assert_told(7, "rest", TAKE("secret", "who", "t1", "60000"));
    assert_told(1, "interrupted", END("t1", "connected"));
    assert_told(5, "interrupted", CLOSE("abandoned", "c1"));
}


static void
a_late_end_counts_if_nobody_else_has_ended_the_dance(void **state)
{
    (void) state;

    assert_says("ok", OPEN("60000"));
    assert_says("yours", TAKE("secret", "who", "t1", "5"));
    (void) usleep(10 * 1000);
    assert_says("ok", END("t1", "connected"));
    assert_says("ok", END("t1", "connected"));
    assert_value("HGET d:{1} o", "connected");
}


static void
a_dance_expires_before_its_key(void **state)
{
    (void) state;

    assert_says("ok", OPEN("5"));
    (void) usleep(10 * 1000);
    assert_told(5, "1", TAKE("secret", "who", "t1", "60000"));
    assert_told(6, "state_expired", TAKE("secret", "who", "t1", "60000"));
    assert_told(5, "0", TAKE("secret", "who", "t2", "60000"));
    assert_value("HGET d:{1} o", "state_expired");
}


static void
another_member_ends_a_dance(void **state)
{
    (void) state;

    assert_says("ok", OPEN("60000"));
    assert_says("other", TAKE("secret", "else", "t1", "60000"));
    assert_told(4, "who", TAKE("secret", "else", "t1", "60000"));
    assert_told(5, "1", TAKE("secret", "else", "t1", "60000"));
    assert_told(5, "0", TAKE("secret", "else", "t2", "60000"));
    assert_says("ended", TAKE("secret", "who", "t1", "60000"));
    assert_value("HGET d:{1} o", "identity_mismatch");
}


static void
a_dance_that_nobody_completes_is_closed_once(void **state)
{
    (void) state;

    assert_says("absent", CLOSE("abandoned", "c1"));
    assert_value("GET d:{1}", NULL);

    assert_says("ok", OPEN("60000"));
    assert_says("open", CLOSE("abandoned", "c1"));
    tell(plain.redis, "HSET d:{1} e 1");
    assert_told(5, "abandoned", CLOSE("abandoned", "c1"));
    assert_says("ok", CLOSE("abandoned", "c1"));
    assert_says("ended", CLOSE("abandoned", "c2"));
    assert_told(1, "id", CLOSE("abandoned", "c2"));
    assert_told(2, "tenant", CLOSE("abandoned", "c2"));
    assert_told(4, "who", CLOSE("abandoned", "c2"));
    assert_value("HGET d:{1} b", NULL);

    /* a taker that comes after the end does not end the dance again */

    assert_told(5, "0", TAKE("secret", "who", "t1", "60000"));
    assert_told(6, "abandoned", TAKE("secret", "who", "t1", "60000"));
}


static void
a_dance_is_displaced_unless_it_is_taken(void **state)
{
    (void) state;

    assert_says("ok", OPEN("60000"));
    assert_says("yours", TAKE("secret", "who", "t1", "60000"));
    assert_says("open", CLOSE("displaced", "c1"));
    tell(plain.redis, "HSET d:{1} t 1");
    assert_told(5, "interrupted", CLOSE("displaced", "c1"));

    tell(plain.redis, "DEL d:{1}");
    assert_says("ok", OPEN("60000"));
    assert_told(5, "displaced", CLOSE("displaced", "c1"));
}


static void
assert_matches(const char *command, const char *text)
{
    redisReply  *reply;

    reply = ask(plain.redis, command);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_non_null(strstr(reply->str, text));
    freeReplyObject(reply);
}


static void
a_story_tells_each_step(void **state)
{
    (void) state;

    assert_says("ok", OPEN("60000"));
    assert_says("mismatch", TAKE("other", "who", "t1", "60000"));
    assert_says("yours", TAKE("secret", "who", "t1", "60000"));
    assert_says("ok", END("t1", "connected"));
    assert_says("ended", TAKE("secret", "who", "t2", "60000"));

    assert_matches("HGET d:{1} y", " started\n");
    assert_matches("HGET d:{1} y", " returned record=mismatch\n");
    assert_matches("HGET d:{1} y", " returned record=taken\n");
    assert_matches("HGET d:{1} y", " ended\n");
    assert_matches("HGET d:{1} y", " returned record=connected\n");
}


static void
a_story_is_bounded_and_has_room_for_the_end(void **state)
{
    unsigned     i, lines;
    redisReply  *reply;

    (void) state;

    assert_says("ok", OPEN("60000"));

    for (i = 0; i < 50; i++) {
        assert_says("mismatch", TAKE("other", "who", "t1", "60000"));
    }

    tell(plain.redis, "HSET d:{1} e 1");
    assert_says("ok", CLOSE("abandoned", "c1"));

    reply = ask(plain.redis, "HGET d:{1} y");
    assert_true(reply->len <= 4096);
    assert_non_null(strstr(reply->str, " closed outcome=abandoned\n"));

    for (i = 0, lines = 0; i < reply->len; i++) {
        lines += reply->str[i] == '\n';
    }

    assert_int_equal(lines, 31);
    freeReplyObject(reply);
}


static void
a_dance_without_a_story_gets_none_later(void **state)
{
    redisReply  *reply;

    (void) state;

    assert_told(1, "0", OPEN_AS("60000", ""));
    assert_says("mismatch", TAKE("other", "who", "t1", "60000"));
    tell(plain.redis, "HSET d:{1} e 1");
    assert_says("ok", CLOSE("abandoned", "c1"));
    assert_value("HGET d:{1} y", NULL);

    reply = ask(plain.redis, "PTTL d:{1}");
    assert_true(reply->integer <= 60000);
    freeReplyObject(reply);
}


static void
a_redis_that_is_nearly_full_keeps_no_story(void **state)
{
    redisReply  *reply;

    (void) state;

    /*
     * a Redis that has used more than three quarters of maxmemory is nearly
     * full
     */

    tell(plain.redis, "CONFIG SET maxmemory 1gb");
    assert_says("ok", OPEN("60000"));
    assert_matches("HGET d:{1} y", " started\n");
    tell(plain.redis, "DEL d:{1}");

    reply = call(cigna_script_dance_forget, "o:{s}:m", "i:{s}", "e:{s}",
                 "c:{s}:1", "absent", "", "", "5", "900000",
                 (const char *) NULL);
    freeReplyObject(reply);

    reply = redisCommand(plain.redis, "EVAL %s 0",
        "local n = string.match(redis.call('INFO', 'memory'),"
        " 'used_memory:(%d+)') return string.format('%.0f', n * 1.2)");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(redisCommand(plain.redis, "CONFIG SET maxmemory %s",
                                 reply->str));
    freeReplyObject(reply);

    assert_says("ok", LIST("entry", "8", "60000"));
    assert_told(1, "0", OPEN("60000"));
    assert_value("HGET d:{1} y", NULL);
    assert_says("ok", FORGET_DANCE("entry", "tenant denied", "ended", "5"));

    /* Redis has no room to list the ended dance, but counts its end */

    reply = redisCommand(plain.redis, "HGET c:{s}:1 %s", "tenant denied");
    assert_string_equal(reply->str, "1");
    freeReplyObject(reply);

    reply = ask(plain.redis, "EXISTS e:{s}");
    assert_int_equal(reply->integer, 0);
    freeReplyObject(reply);

    tell(plain.redis, "CONFIG SET maxmemory 0");
}


static void
an_end_is_counted_once(void **state)
{
    redisReply  *reply;

    (void) state;

    assert_says("ok", LIST("one", "8", "60000"));
    assert_says("ok", LIST("two", "8", "60000"));
    assert_says("ok", LIST("three", "8", "60000"));
    assert_says("ok", FORGET_DANCE("one", "t denied", "1 t denied 5", "5"));
    assert_says("absent", FORGET_DANCE("one", "t denied", "1 t denied 5", "5"));
    assert_says("ok", FORGET_DANCE("two", "t denied", "2 t denied 5", "5"));
    assert_says("ok", FORGET_DANCE("three", "", "", "5"));

    reply = redisCommand(plain.redis, "HGET c:{s}:1 %s", "t denied");
    assert_string_equal(reply->str, "2");
    freeReplyObject(reply);

    reply = ask(plain.redis, "ZRANGE e:{s} 0 -1");
    assert_int_equal(reply->elements, 2);
    freeReplyObject(reply);

    reply = ask(plain.redis, "EXISTS i:{s} o:{s}:m");
    assert_int_equal(reply->integer, 0);
    freeReplyObject(reply);
}


static void
ended_dances_beyond_the_bound_leave_the_list(void **state)
{
    size_t              i;
    redisReply         *reply;
    static const char  *entries[] = { "0", "1", "2", "3" };

    (void) state;

    for (i = 0; i < 4; i++) {
        assert_says("ok", LIST(entries[i], "8", "60000"));
        assert_says("ok", FORGET_DANCE(entries[i], "t denied", entries[i],
                                       "5"));
        (void) usleep(2000);
    }

    assert_says("ok", LIST("last", "8", "60000"));

    reply = call(FORGET_DANCE("last", "t denied", "last", "2"),
                 (const char *) NULL);
    assert_int_equal(reply->elements, 2 + 3);
    assert_string_equal(reply->element[1]->str, "1");
    assert_string_equal(reply->element[2]->str, "0");
    assert_string_equal(reply->element[4]->str, "2");
    freeReplyObject(reply);
}


static void
overdue_dances_are_found_again_after_a_while(void **state)
{
    redisReply  *reply;

    (void) state;

    assert_says("ok", LIST("later", "8", "60000"));
    assert_says("ok", LIST("now", "8", "1"));
    (void) usleep(3000);

    reply = call(cigna_script_dance_due, "i:{s}", "16", "20",
                 (const char *) NULL);
    assert_int_equal(reply->elements, 2);
    assert_string_equal(reply->element[1]->str, "now");
    freeReplyObject(reply);

    reply = call(cigna_script_dance_due, "i:{s}", "16", "20",
                 (const char *) NULL);
    assert_int_equal(reply->elements, 1);
    freeReplyObject(reply);

    (void) usleep(25 * 1000);

    reply = call(cigna_script_dance_due, "i:{s}", "16", "20",
                 (const char *) NULL);
    assert_int_equal(reply->elements, 2);
    freeReplyObject(reply);
}


/* a script of version 0.4.0, with the key d:{1} */

static redisReply *
former(const char *script, const char *a1, const char *a2, const char *a3,
    const char *a4, const char *a5, const char *a6)
{
    redisReply  *reply;

    reply = redisCommand(plain.redis, "EVAL %s 1 d:{1} %s %s %s %s %s %s",
                         script, a1, a2, a3, a4, a5, a6);
    assert_non_null(reply);

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }

    return reply;
}


static void
assert_former(const char *script, const char *word, const char *a1,
    const char *a2, const char *a3, const char *a4)
{
    redisReply  *reply;

    reply = former(script, a1, a2, a3, a4, "", "");
    assert_string_equal(reply->element[0]->str, word);
    freeReplyObject(reply);
}


static void
former_open(const char *life)
{
    freeReplyObject(former(former_dance_open, "blob", "secret", "who", "id",
                           life, "60000"));
}


static void
version_0_4_0_ends_a_dance_that_this_one_has_started(void **state)
{
    redisReply  *reply;

    (void) state;

    assert_says("ok", OPEN("60000"));
    assert_former(former_dance_take, "mismatch", "x", "who", "t1", "60000");
    assert_former(former_dance_take, "yours", "secret", "who", "t1", "60000");
    assert_says("taken", TAKE("secret", "who", "t2", "60000"));
    assert_says("open", CLOSE("displaced", "c1"));
    assert_former(former_dance_end, "ok", "t1", "denied", "rest", "");

    assert_told(6, "denied", TAKE("secret", "who", "t2", "60000"));
    assert_told(5, "0", TAKE("secret", "who", "t2", "60000"));
    assert_told(5, "denied", CLOSE("abandoned", "c1"));
    assert_says("ended", CLOSE("abandoned", "c1"));

    /* version 0.4.0 accepts that this version has ended a dance */

    tell(plain.redis, "DEL d:{1}");
    assert_says("ok", OPEN("60000"));
    assert_told(5, "displaced", CLOSE("displaced", "c1"));
    reply = former(former_dance_take, "secret", "who", "t1", "60000", "", "");
    assert_string_equal(reply->element[0]->str, "ended");
    assert_string_equal(reply->element[2]->str, "displaced");
    assert_string_equal(reply->element[3]->str, "rest");
    freeReplyObject(reply);
}


static void
this_version_ends_a_dance_that_0_4_0_has_started(void **state)
{
    (void) state;

    former_open("60000");
    assert_says("mismatch", TAKE("x", "who", "t1", "60000"));
    assert_told(6, "blob", TAKE("secret", "who", "t1", "60000"));
    assert_former(former_dance_take, "taken", "secret", "who", "t2", "60000");
    assert_says("ok", END("t1", "connected"));
    assert_former(former_dance_take, "ended", "secret", "who", "t2", "60000");
    assert_former(former_dance_end, "ended", "t1", "denied", "", "");
    assert_value("HGET d:{1} o", "connected");
    assert_value("HGET d:{1} y", NULL);

    /* a dance that version 0.4.0 took and did not end */

    tell(plain.redis, "DEL d:{1}");
    former_open("60000");
    assert_former(former_dance_take, "yours", "secret", "who", "t1", "5");
    (void) usleep(10 * 1000);
    assert_told(6, "interrupted", TAKE("secret", "who", "t2", "60000"));

    /* a dance whose deadline has passed */

    tell(plain.redis, "DEL d:{1}");
    former_open("1");
    (void) usleep(5 * 1000);
    assert_told(6, "state_expired", TAKE("secret", "who", "t1", "60000"));
    assert_told(3, "", TAKE("secret", "who", "t1", "60000"));
}


static void
an_end_that_comes_too_late_revives_no_dance(void **state)
{
    (void) state;

    assert_says("absent", END("t1", "connected"));
    assert_value("GET d:{1}", NULL);
}


static void
lock_and_mark_come_together(void **state)
{
    (void) state;

    assert_says("stale", BEGIN("a", "id", "1", "60000", "0"));
    assert_value("GET l:{1}", NULL);

    assert_says("ok", PUT("id"));
    assert_says("stale", BEGIN("a", "id", "2", "60000", "0"));
    assert_says("stale", BEGIN("a", "other", "1", "60000", "0"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_value("GET l:{1}", "a");
    assert_value("HGET g:{1} n", "1");
    assert_says("busy", BEGIN("b", "id", "1", "60000", "0"));

    /*
     * a second "begin" of the lock's owner renews lock and mark, and counts no
     * attempt
     */

    assert_says("mine", BEGIN("a", "id", "1", "60000", "1"));
    assert_value("HGET g:{1} n", "1");

    tell(plain.redis, "DEL l:{1}");
    assert_says("marked", BEGIN("b", "id", "1", "60000", "0"));
    assert_value("GET l:{1}", NULL);
}


static void
an_attempt_of_unknown_outcome_is_counted(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_says("ok", RELEASE("a", "5"));
    assert_value("GET l:{1}", NULL);
    assert_says("marked", BEGIN("b", "id", "1", "60000", "0"));

    (void) usleep(10 * 1000);
    assert_says("stale", BEGIN("b", "id", "1", "60000", "0"));
    assert_value("GET l:{1}", NULL);
    assert_says("mine", BEGIN("b", "id", "1", "60000", "1"));
    assert_value("HGET g:{1} n", "2");

    /* a caller that has read an older count of attempts gets no lease */

    assert_says("ok", RELEASE("b", "5"));
    (void) usleep(10 * 1000);
    assert_says("stale", BEGIN("c", "id", "1", "60000", "1"));
    assert_says("mine", BEGIN("c", "id", "1", "60000", "2"));
    assert_says("ok", RELEASE("c", ""));
    assert_value("HGET g:{1} n", "2");
    assert_says("mine", BEGIN("b", "id", "1", "60000", "2"));
    tell(plain.redis, "HSET g:{1} n 2");

    /* the second attempt got an answer, so only the first one stays counted */

    assert_says("ok", RELEASE("b", ""));
    assert_value("HGET g:{1} n", "1");
    assert_says("stale", BEGIN("c", "id", "1", "60000", "0"));
}


static void
a_refusal_that_is_not_final_is_counted_and_dated(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_says("ok", RELEASE("a", "refused"));
    assert_value("GET l:{1}", NULL);
    assert_value("HGET g:{1} n", "1");
    assert_there("HGET g:{1} r");

    /*
     * the next attempt may begin at once; if it has no effect, field r stays
     */

    assert_says("mine", BEGIN("b", "id", "1", "60000", "1"));
    assert_says("ok", RELEASE("b", ""));
    assert_value("HGET g:{1} n", "1");
    assert_there("HGET g:{1} r");

    /* an attempt with an unknown outcome removes the date of the refusal */

    assert_says("mine", BEGIN("b", "id", "1", "60000", "1"));
    assert_says("ok", RELEASE("b", "5"));
    assert_value("HGET g:{1} r", NULL);

    tell(plain.redis, "HSET g:{1} r 5");
    assert_says("ok", SWAP("b", "id", "2"));
    assert_value("HGET g:{1} r", NULL);
}


static void
a_lease_that_a_primary_lacks_is_set_again(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("mine", RETAKE("a", "id", "1", "2"));
    assert_value("GET l:{1}", "a");
    assert_value("HGET g:{1} o", "a");
    assert_value("HGET g:{1} n", "2");
    assert_says("busy", BEGIN("b", "id", "1", "60000", "2"));
    assert_says("mine", RENEW("a"));

    /* a second "retake" changes nothing, and the attempts stay counted */

    assert_says("mine", RETAKE("a", "id", "1", "1"));
    assert_value("HGET g:{1} n", "2");

    /* an owner cannot retake a lease whose lock or mark is another owner's */

    assert_says("lost", RETAKE("b", "id", "1", "1"));
    tell(plain.redis, "DEL l:{1}");
    assert_says("lost", RETAKE("b", "id", "1", "1"));
    assert_value("GET l:{1}", NULL);

    /* an owner cannot retake the lease of another generation or grant */

    assert_says("lost", RETAKE("a", "id", "2", "1"));
    assert_says("lost", RETAKE("a", "other", "1", "1"));
    assert_says("ok", DELETE);
    assert_says("lost", RETAKE("a", "id", "1", "1"));
    assert_value("GET l:{1}", NULL);
}


static void
a_lease_is_renewed_by_its_owner_and_taken_by_no_renewal(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("lost", RENEW("a"));
    assert_value("GET l:{1}", NULL);

    assert_says("mine", BEGIN("a", "id", "1", "5000", "0"));
    assert_says("lost", RENEW("b"));
    assert_value("GET l:{1}", "a");
    assert_says("mine", RENEW("a"));
    assert_value("HGET g:{1} n", "1");

    /* a renewal sets an expired lock again while the owner's mark exists */

    tell(plain.redis, "DEL l:{1}");
    assert_says("mine", RENEW("a"));
    assert_value("GET l:{1}", "a");

    tell(plain.redis, "SET l:{1} somebody PX 60000");
    assert_says("lost", RENEW("a"));
    assert_value("GET l:{1}", "somebody");
    tell(plain.redis, "DEL l:{1}");

    /* a renewal that arrives after the release sets no lock */

    assert_says("ok", RELEASE("a", "60000"));
    assert_says("lost", RENEW("a"));
    assert_value("GET l:{1}", NULL);

    assert_says("ok", DELETE);
    assert_says("lost", RENEW("a"));
    assert_value("GET l:{1}", NULL);
}


static void
a_release_removes_only_its_owners_lock_and_mark(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_says("ok", RELEASE("b", ""));
    assert_value("GET l:{1}", "a");
    assert_value("HGET g:{1} o", "a");
    assert_says("ok", RELEASE("a", ""));
    assert_value("GET l:{1}", NULL);
    assert_value("HGET g:{1} m", NULL);
    assert_value("HGET g:{1} n", NULL);
}


static void
a_generation_replaces_only_an_older_one_of_the_same_grant(void **state)
{
    (void) state;

    assert_says("stale", SWAP("a", "id", "2"));
    assert_value("HGET g:{1} i", NULL);

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_says("stale", SWAP("a", "other", "2"));
    assert_says("ok", SWAP("a", "id", "2"));
    assert_value("HGET g:{1} b", "blob2");
    assert_value("HGET g:{1} m", NULL);
    assert_value("GET l:{1}", NULL);

    assert_says("ok", SWAP("a", "id", "2"));
    assert_says("ok", SWAP("a", "id", "10"));
    assert_says("stale", SWAP("a", "id", "9"));
    assert_value("HGET g:{1} g", "10");
}


static void
a_deleted_grant_is_not_installed_again(void **state)
{
    (void) state;

    assert_says("none", DELETE);
    assert_says("ok", PUT("id"));
    assert_says("ok", PUT("id"));
    assert_says("ok", DELETE);
    assert_says("none", DELETE);
    assert_says("retired", PUT("id"));
    assert_says("ok", PUT("newer"));
    assert_says("retired", PUT("id"));
    assert_says("ok", PUT("newest"));
    assert_says("retired", PUT("newer"));
    assert_value("HGET g:{1} i", "newest");
}


static void
a_spent_mark_has_its_time(void **state)
{
    long long    spent_ms;
    redisReply  *reply;

    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("ok", SPEND("a", "id", "2"));

    reply = ask(plain.redis, "HGET g:{1} s");
    spent_ms = strtoll(reply->str, NULL, 10);
    freeReplyObject(reply);

    reply = ask(plain.redis, "TIME");
    assert_in_range(strtoll(reply->element[0]->str, NULL, 10) * 1000
                    + 1000 - spent_ms, 0, 60 * 1000);
    freeReplyObject(reply);
}


static void
new_tokens_replace_their_generation_if_it_is_marked_spent(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("ok", SPEND("a", "id", "2"));
    assert_says("stale", SWAP("a", "id", "1"));
    assert_says("ok", SWAP("a", "id", "2"));
    assert_value("HGET g:{1} s", NULL);
    assert_value("HGET g:{1} b", "blob2");
    assert_says("stale", SPEND("a", "id", "2"));

    assert_says("ok", SPEND("a", "id", "3"));
    assert_says("stale", RESTORE("id", "2", "1"));
    assert_says("ok", RESTORE("id", "3", "1"));
    assert_value("HGET g:{1} s", NULL);
    assert_value("HGET g:{1} b", "blob3");
}


static void
grant_install_returns_the_replaced_record(void **state)
{
    redisReply  *reply;

    (void) state;

    reply = call(PUT("id"), (const char *) NULL);
    assert_int_equal(reply->elements, 3);
    assert_int_equal(reply->element[2]->elements, 6);
    assert_int_equal(reply->element[2]->element[0]->type, REDIS_REPLY_NIL);
    freeReplyObject(reply);

    assert_says("ok", SWAP("a", "id", "2"));

    reply = call(PUT("newer"), (const char *) NULL);
    assert_string_equal(reply->element[2]->element[0]->str, "id");
    assert_string_equal(reply->element[2]->element[1]->str, "2");
    assert_string_equal(reply->element[2]->element[2]->str, "blob2");
    freeReplyObject(reply);

    reply = call(PUT("newer"), (const char *) NULL);
    assert_int_equal(reply->element[2]->element[0]->type, REDIS_REPLY_NIL);
    freeReplyObject(reply);
}


static long long
connected(void)
{
    long long    n;
    redisReply  *reply;

    reply = ask(plain.redis, "HGET g:{1} c");
    n = strtoll(reply->str, NULL, 10);
    freeReplyObject(reply);

    return n;
}


static void
each_grant_of_an_identity_is_connected_after_the_one_before(void **state)
{
    char         text[24];
    long long    first;
    redisReply  *reply;

    (void) state;

    reply = call(PUT("id"), (const char *) NULL);
    first = connected();
    assert_true(first > WORLD_START_MS);
    assert_int_equal(strtoll(reply->element[1]->str, NULL, 10), first);
    freeReplyObject(reply);

    assert_says("ok", PUT("two"));
    assert_says("ok", PUT("three"));
    assert_true(connected() >= first + 2);

    /*
     * field c, the time of the connection, grows even if Redis' clock steps
     * back and the grant is deleted
     */

    tell(plain.redis, "HSET g:{1} c 99999999999999");
    assert_says("ok", DELETE);
    assert_says("ok", PUT("four"));
    assert_int_equal(connected(), 100000000000000);

    reply = call(BEGIN("a", "four", "1", "60000", "0"), (const char *) NULL);
    (void) snprintf(text, sizeof(text), "%lld", connected());
    assert_string_equal(reply->element[1]->str, text);
    freeReplyObject(reply);
}


static void
a_generation_that_was_lost_is_restored(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_says("ok", RESTORE("id", "2", "5"));
    assert_value("HGET g:{1} b", "blob2");
    assert_value("HGET g:{1} m", NULL);
    assert_value("GET l:{1}", "a");

    /* a second replay changes nothing, and a newer generation stays */

    assert_says("ok", RESTORE("id", "2", "5"));
    assert_says("ok", SWAP("a", "id", "3"));
    assert_says("stale", RESTORE("id", "2", "5"));
    assert_value("HGET g:{1} g", "3");

    /* Redis has lost the whole record */

    tell(plain.redis, "DEL g:{1}");
    assert_says("ok", RESTORE("id", "3", "5"));
    assert_value("HGET g:{1} i", "id");
    assert_value("HGET g:{1} c", "5");
}


static void
a_resealed_generation_stays_and_a_spent_one_is_replaced(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("ok", SWAP("a", "id", "2"));
    assert_says("ok", RESEAL("blob2", "new"));
    assert_says("ok", RESTORE("id", "2", "5"));
    assert_value("HGET g:{1} b", "new");

    /*
     * The journal has generation 3, and Redis has marked it spent.  The
     * journal's generation came from an exchange, so grant_replay stores it
     * without the mark.
     */

    assert_says("ok", SPEND("a", "id", "3"));
    assert_says("ok", RESTORE("id", "3", "5"));
    assert_value("HGET g:{1} b", "blob3");
    assert_value("HGET g:{1} s", NULL);
}


static void
a_replayed_grant_replaces_only_an_older_one(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("other", RESTORE("older", "7", "5"));
    assert_value("HGET g:{1} i", "id");

    assert_says("ok", RESTORE("newer", "1", "99999999999999"));
    assert_value("HGET g:{1} i", "newer");
    assert_says("retired", RESTORE("id", "9", "999999999999999"));
    assert_says("retired", PUT("id"));
}


static void
nothing_is_restored_after_a_delete(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("ok", DELETE);
    assert_says("retired", RESTORE("id", "2", "99999999999999"));
    assert_value("HGET g:{1} i", NULL);

    /* an earlier grant, whose id is not known, is not restored either */

    assert_says("retired", RESTORE("unheard", "2", "5"));
    assert_value("HGET g:{1} i", NULL);

    /* a grant that was connected after the deletion is restored */

    assert_says("ok", RESTORE("newer", "1", "99999999999999"));
}


static void
a_deletion_that_was_lost_is_made_again(void **state)
{
    (void) state;

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    assert_says("ok", FORGET("id", "5"));
    assert_value("HGET g:{1} i", NULL);
    assert_value("GET l:{1}", NULL);
    assert_says("ok", FORGET("id", "5"));
    assert_says("retired", PUT("id"));
    assert_says("retired", RESTORE("id", "2", "99999999999999"));

    assert_says("ok", PUT("newer"));
    assert_says("other", FORGET("id", "5"));
    assert_says("other", FORGET("unheard", "5"));
    assert_value("HGET g:{1} i", "newer");
    assert_says("retired", PUT("unheard"));

    /*
     * grant_forget also deletes another grant of the member, if that grant was
     * connected before the deleted one
     */

    assert_says("ok", FORGET("last", "99999999999999"));
    assert_value("HGET g:{1} i", NULL);
    assert_says("retired", PUT("newer"));
    assert_says("retired", PUT("last"));

    /* grant_forget remembers the grant's id even if Redis has no grant */

    tell(plain.redis, "DEL g:{1}");
    assert_says("ok", FORGET("id", "5"));
    assert_says("retired", PUT("id"));
}


static void
a_record_is_resealed_only_if_it_has_not_changed(void **state)
{
    redisReply  *reply;

    (void) state;

    assert_says("stale", RESEAL("blob", "new"));
    assert_value("HGET g:{1} b", NULL);

    assert_says("ok", PUT("id"));
    assert_says("mine", BEGIN("a", "id", "1", "60000", "0"));
    tell(plain.redis, "PEXPIRE g:{1} 600000");

    assert_says("stale", RESEAL("other", "new"));
    assert_value("HGET g:{1} b", "blob");
    assert_says("ok", RESEAL("blob", "new"));
    assert_says("ok", RESEAL("blob", "new"));
    assert_value("HGET g:{1} b", "new");

    /* grant_reseal does not change generation, mark, lock and expiry */

    assert_value("HGET g:{1} g", "1");
    assert_value("HGET g:{1} n", "1");
    assert_value("GET l:{1}", "a");

    reply = ask(plain.redis, "PTTL g:{1}");
    assert_true(reply->integer > 500000 && reply->integer <= 600000);
    freeReplyObject(reply);

    assert_says("ok", SWAP("a", "id", "2"));
    assert_says("stale", RESEAL("new", "newer"));
    assert_value("HGET g:{1} b", "blob2");
}


static redisReply *
vault_check(const char *word, size_t elements)
{
    redisReply  *reply;

    reply = call(cigna_script_vault_check, "cigna:v:{vault}",
                 (const char *) NULL);

    assert_string_equal(reply->element[0]->str, word);
    assert_int_equal(reply->elements, elements);

    return reply;
}


static void
vault_check_returns_policy_marker_and_age_of_the_primary(void **state)
{
    redisReply  *reply;

    (void) state;

    reply = vault_check("none", 2);
    assert_string_equal(reply->element[1]->str, "noeviction");
    freeReplyObject(reply);

    /* vault_check does not create a marker */

    reply = ask(plain.redis, "EXISTS cigna:v:{vault}");
    assert_int_equal(reply->integer, 0);
    freeReplyObject(reply);

    tell(plain.redis, "HSET cigna:v:{vault} b marker r elsewhere t 1000");

    reply = vault_check("ok", 5);
    assert_string_equal(reply->element[1]->str, "noeviction");
    assert_string_equal(reply->element[2]->str, "marker");
    assert_int_equal(reply->element[3]->integer, 0);
    assert_int_equal(reply->element[4]->len, 40 + 1 + 40);
    freeReplyObject(reply);

    (void) usleep(20 * 1000);

    reply = vault_check("ok", 5);
    assert_in_range(reply->element[3]->integer, 20, 10000);
    freeReplyObject(reply);

    /* Redis' clock was set back */

    tell(plain.redis, "HSET cigna:v:{vault} t 99999999999999");

    reply = vault_check("ok", 5);
    assert_int_equal(reply->element[3]->integer, 0);
    freeReplyObject(reply);

    /* Redis evicts keys */

    tell(plain.redis, "CONFIG SET maxmemory-policy allkeys-lru");
    reply = vault_check("ok", 5);
    assert_string_equal(reply->element[1]->str, "allkeys-lru");
    freeReplyObject(reply);
    tell(plain.redis, "CONFIG SET maxmemory-policy noeviction");

    /* Redis has no memory to write its run id into the marker */

    tell(plain.redis, "HSET cigna:v:{vault} r elsewhere");
    tell(plain.redis, "CONFIG SET maxmemory 1");
    freeReplyObject(vault_check("ok", 5));
    tell(plain.redis, "CONFIG SET maxmemory 0");
    assert_value("HGET cigna:v:{vault} r", "elsewhere");

    tell(plain.redis, "REPLICAOF 127.0.0.1 1");
    freeReplyObject(vault_check("replica", 1));
    tell(plain.redis, "REPLICAOF NO ONE");

    tell(plain.redis, "DEL cigna:v:{vault}");
}


/* tests of whole flows */

static void
assert_flows_run(redisContext *c)
{
    live_on(c);
    world_connected(&w);

    /* the simulated clock moves on, and the clock of the real Redis does not */

    w.now_ms += 3600 * 1000;

    world_refresh(&w, &a);
    world_refresh(&w, &b);

    while (!a.done || !b.done) {
        if (!a.done) {
            world_step(&w, &a, world_fine);
        }

        if (!b.done) {
            world_step(&w, &b, world_fine);
        }
    }

    assert_int_equal(a.flow.refresh.rc, cigna_refresh_ok);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_sound(c);

    world_end(&a);
    world_disconnect(&w, &a);
    world_run(&w, &a);
    assert_int_equal(a.flow.disconnect.outcome,
                     cigna_dance_outcome_disconnected);
    assert_int_equal(w.auth.revoked, 1);
    assert_sound(c);
}


static void
the_flows_run_on_a_real_redis(void **state)
{
    (void) state;

    assert_flows_run(plain.redis);
}


static void
a_displaced_dance_ends(void **state)
{
    redisReply  *reply;

    (void) state;

    live_on(plain.redis);
    w.provider.dances_per_member = 1;

    world_connect(&w, &a, "");
    world_run(&w, &a);
    world_connect(&w, &b, "");
    world_run(&w, &b);

    reply = ask(plain.redis, "HGET %b o",
                a.flow.connect.dance_key.data, a.flow.connect.dance_key.len);
    assert_string_equal(reply->str, "displaced");
    freeReplyObject(reply);

    reply = ask(plain.redis, "HEXISTS %b o",
                b.flow.connect.dance_key.data, b.flow.connect.dance_key.len);
    assert_int_equal(reply->integer, 0);
    freeReplyObject(reply);
}


static void
a_handshake_finds_out_whether_redis_evicts(void **state)
{
    (void) state;

    live_on(plain.redis);

    world_handshake(&w, &a);
    a.flow.handshake.password = cigna_slice_null;
    a.flow.handshake.db = 3;
    world_run(&w, &a);
    assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_ok);
    tell(plain.redis, "SELECT 0");

    tell(plain.redis, "CONFIG SET maxmemory-policy allkeys-lru");
    world_end(&a);
    world_handshake(&w, &a);
    a.flow.handshake.password = cigna_slice_null;
    a.flow.handshake.check = cigna_redis_handshake_check_policy;
    world_run(&w, &a);
    tell(plain.redis, "CONFIG SET maxmemory-policy noeviction");
    assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_evicts);
}


/*
 * a Redis user that may run scripts, the commands of the scripts, and CLIENT
 * SETNAME
 */

#define USER                                                                  \
    "ACL SETUSER gateway on >" WORLD_MARKER "-redis ~cigna:* -@all "          \
    "+evalsha +eval +time +hmget +hset +hdel +get +set +del +pexpire "        \
    "+zadd +zcard +zrange +zrem +zremrangebyscore +zremrangebyrank "          \
    "+publish +unlink +client|setname +info "

/* replays all entries of node 0's journal */

static void
restore_all(void)
{
    unsigned  n;

    for (n = 0; n < WORLD_JOURNAL; n++) {
        if (world_entry(&w.fleet, 0, n)) {
            world_replay(&w, &b, 0, n);
            world_run(&w, &b);
            assert_int_equal(b.flow.replay.rc, cigna_journal_replay_ok);
            world_end(&b);
        }
    }
}


static void
the_flows_need_no_more_than_a_few_commands(void **state)
{
    redisContext  *c;

    (void) state;

    tell(plain.redis, USER "resetchannels &cigna:invalidate");

    c = redis_server_dial(&plain);
    live_on(c);

    world_handshake(&w, &a);
    a.flow.handshake.username = cigna_slice("gateway");
    world_run(&w, &a);
    assert_int_equal(a.flow.handshake.rc, cigna_redis_handshake_ok);
    world_end(&a);

    w.redis.real_data = c;
    world_connected(&w);
    w.now_ms += 3600 * 1000;
    world_refresh(&w, &a);

    while (a.op.type != cigna_op_http) {
        world_step(&w, &a, world_fine);
    }

    world_renew(&w, &a);
    world_run(&w, &a);
    assert_true(a.flow.refresh.exchanged);
    world_end(&a);
    restore_all();
    world_disconnect(&w, &a);
    world_run(&w, &a);
    assert_true(a.flow.disconnect.existed);
    restore_all();

    redisFree(c);
    tell(plain.redis, "ACL DELUSER gateway");
}


static void
on_closed(void *data, const cigna_dance_close_t *closed)
{
    (void) data;

    assert_slice(closed->outcome, "abandoned");
}


/*
 * runs all flows of dances, also if more dances have ended than vault.stories
 * allows
 */

static void
dances_need_no_more_rights_than_0_4_0_had(void **state)
{
    unsigned       i;
    char           user[1024];
    redisReply    *reply;
    redisContext  *c;

    (void) state;

    i = (unsigned) snprintf(user, sizeof(user), "ACL SETUSER former on >"
                            WORLD_MARKER "-redis %s", former_user);
    assert_true(i < sizeof(user));
    tell(plain.redis, user);

    c = redis_server_dial(&plain);
    tell(c, "AUTH former " WORLD_MARKER "-redis");
    live_on(c);

    w.provider.dances_per_member = 1;
    w.vault.stories = 1;
    world_connected(&w);

    for (i = 0; i < 3; i++) {
        world_end(&a);
        world_connect(&w, &a, "");
        world_run(&w, &a);
        assert_int_equal(a.flow.connect.outcome, cigna_dance_outcome_none);
    }

    reply = ask(plain.redis, "HSET %b e 1", a.flow.connect.dance_key.data,
                a.flow.connect.dance_key.len);
    freeReplyObject(reply);
    reply = ask(plain.redis, "ZADD %b 1 %b",
                w.identity.open_key.data, w.identity.open_key.len,
                "x", (size_t) 1);
    freeReplyObject(reply);

    world_upkeep(&w, &b, on_closed);
    world_run(&w, &b);

    reply = ask(plain.redis, "ZCARD %b", w.identity.ended_key.data,
                w.identity.ended_key.len);
    assert_int_equal(reply->integer, 1);
    freeReplyObject(reply);

    redisFree(c);
    tell(plain.redis, "ACL DELUSER former");
}


static void
a_channel_that_is_forbidden_undoes_no_write(void **state)
{
    redisContext  *c;

    (void) state;

    tell(plain.redis, USER "resetchannels");

    c = redis_server_dial(&plain);
    tell(c, "AUTH gateway " WORLD_MARKER "-redis");
    live_on(c);
    world_connected(&w);

    redisFree(c);
    live_on(plain.redis);
    world_disconnect(&w, &a);
    world_run(&w, &a);
    assert_true(a.flow.disconnect.existed);

    tell(plain.redis, "ACL DELUSER gateway");
}


static void
writes_are_published(void **state)
{
    char           expected[64];
    redisReply    *reply;
    redisContext  *c;

    (void) state;

    c = redis_server_dial(&plain);
    freeReplyObject(ask(c, "SUBSCRIBE cigna:invalidate"));

    live_on(plain.redis);
    world_connected(&w);

    assert_int_equal(redisGetReply(c, (void **) &reply), REDIS_OK);
    (void) snprintf(expected, sizeof(expected), "%.*s ", CIGNA_NAME_LEN,
                    (const char *) w.identity.hash);
    assert_memory_equal(reply->element[2]->str, expected, CIGNA_NAME_LEN + 1);
    assert_int_equal(strlen(reply->element[2]->str),
                     CIGNA_NAME_LEN + 1 + CIGNA_GRANT_ID_LEN + 2);
    assert_string_equal(reply->element[2]->str + CIGNA_NAME_LEN + 1
                        + CIGNA_GRANT_ID_LEN, " 1");

    freeReplyObject(reply);
    redisFree(c);
}


static void
the_flows_run_on_a_cluster(void **state)
{
    int          ready;
    unsigned     ms;
    redisReply  *reply;

    (void) state;

    tell(cluster.redis, "CLUSTER ADDSLOTSRANGE 0 16383");

    ready = 0;

    for (ms = 0; !ready && ms < REDIS_SERVER_WAIT_MS; ms += 20) {
        (void) usleep(20 * 1000);

        reply = ask(cluster.redis, "CLUSTER INFO");
        ready = strstr(reply->str, "cluster_state:ok") != NULL;
        freeReplyObject(reply);
    }

    assert_true(ready);

    assert_flows_run(cluster.redis);
}


/* tests that compare the scripts in Lua with the versions in C */

static uint64_t  seed = 1;

/* a time-out in ms that is over when the next operation begins */

static const char  instant[] = "1";


static unsigned
pick(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (unsigned) (seed >> 33) % n;
}


static const char *
one_of(const char *const *list, unsigned n)
{
    return list[pick(n)];
}


/*
 * 1 if both replies are the same.  Times may differ a little, because one call
 * comes after the other.
 */

static int
alike(const redisReply *x, const redisReply *y)
{
    size_t     i;
    long long  n, m;

    if (x->type != y->type) {
        return 0;
    }

    switch (x->type) {

    case REDIS_REPLY_ARRAY:

        if (x->elements != y->elements) {
            return 0;
        }

        for (i = 0; i < x->elements; i++) {
            if (!alike(x->element[i], y->element[i])) {
                return 0;
            }
        }

        return 1;

    case REDIS_REPLY_INTEGER:
        return llabs(x->integer - y->integer) < 1000;

    case REDIS_REPLY_STRING:

        n = strtoll(x->str, NULL, 10);
        m = strtoll(y->str, NULL, 10);

        if (n > WORLD_START_MS && m > WORLD_START_MS) {
            return llabs(n - m) < 1000;
        }

        return x->len == y->len && memcmp(x->str, y->str, x->len) == 0;

    default:
        return 1;
    }
}


static void
random_op(cigna_op_t *op)
{
    size_t         i;
    unsigned       n;
    cigna_slice_t  argv[11];

    static const char *const  grants[] = { "g:{1}", "g:{2}" };
    static const char *const  locks[] = { "l:{1}", "l:{2}" };
    static const char *const  dances[] = { "d:{1}", "d:{2}", "d:{3}", "d:{4}" };
    static const char *const  owners[] = { "alpha", "beta", "gamma" };
    static const char *const  ids[] = { "0id", "1id", "2id", "3id" };
    static const char *const  secrets[] = { "s1", "s1", "s1", "s2", "" };
    static const char *const  whos[] = { "w1", "w1", "w1", "w2" };
    static const char *const  words[] = { "connected", "denied" };
    static const char *const  numbers[] = { "1", "2", "3", "4", "10" };
    static const char *const  times[] = { instant, "500000", "500000" };
    static const char *const  lines[] = { "", "started", "ended outcome=x" };
    static const char *const  reasons[] = { "abandoned", "displaced" };
    static const char *const  shards[] = { "o:{s}:m", "i:{s}", "e:{s}",
                                           "c:{s}:1" };
    static const char *const  keeps[] = { "", instant, "500000",
                                            "refused" };
    static const char *const  spents[] = { "", "", "1" };
    static const char *const  connects[] = { "5", "99999999999999", "7" };
    static const char *const  attempts[] = { "0", "0", "1" };

    static const struct {
        cigna_script_e             script;
        const char *const         *args[11];
        unsigned                   counts[11];
    } ops[] = {
        { cigna_script_dance_open,
          { dances, ids, secrets, whos, ids, times, times, ids, whos, lines,
            times },
          { 4, 4, 3, 3, 4, 3, 3, 4, 4, 3, 3 } },
        { cigna_script_dance_list,
          { &shards[0], &shards[1], ids, numbers, times, times, times,
            numbers },
          { 1, 1, 4, 3, 3, 3, 1, 5 } },
        { cigna_script_dance_claim,
          { dances, secrets, whos, owners, times, lines },
          { 4, 5, 4, 3, 3, 3 } },
        { cigna_script_dance_end,
          { dances, owners, words, secrets, lines },
          { 4, 3, 2, 5, 3 } },
        { cigna_script_dance_close,
          { dances, reasons, owners, lines },
          { 4, 2, 3, 3 } },
        { cigna_script_dance_forget,
          { &shards[0], &shards[1], &shards[2], &shards[3], ids, spents, ids,
            numbers, times },
          { 1, 1, 1, 1, 4, 3, 4, 5, 3 } },
        { cigna_script_dance_due,
          { &shards[1], numbers, times },
          { 1, 5, 3 } },
        { cigna_script_grant_install,
          { grants, ids, numbers, ids, times, words, whos },
          { 1, 4, 1, 4, 3, 2, 4 } },
        { cigna_script_grant_begin,
          { grants, locks, owners, ids, numbers, times, times, attempts },
          { 1, 1, 3, 4, 3, 3, 3, 3 } },
        { cigna_script_grant_swap,
          { grants, locks, owners, ids, numbers, ids, times, words, whos,
            spents },
          { 1, 1, 3, 4, 5, 4, 3, 2, 4, 3 } },
        { cigna_script_grant_renew,
          { grants, locks, owners, times, times, ids, numbers, attempts },
          { 1, 1, 3, 3, 3, 4, 3, 3 } },
        { cigna_script_grant_retake,
          { grants, locks, owners, times, times, ids, numbers, attempts },
          { 1, 1, 3, 3, 3, 4, 3, 3 } },
        { cigna_script_grant_release,
          { grants, locks, owners, keeps },
          { 1, 1, 3, 4 } },
        { cigna_script_grant_delete,
          { grants, locks, times, words, whos },
          { 1, 1, 3, 2, 4 } },
        { cigna_script_grant_replay,
          { grants, ids, numbers, ids, times, connects, words, whos },
          { 1, 4, 5, 4, 3, 3, 2, 4 } },
        { cigna_script_grant_forget,
          { grants, locks, ids, connects, times, words, whos },
          { 1, 1, 4, 3, 3, 2, 4 } },
        { cigna_script_grant_reseal,
          { grants, ids, ids },
          { 1, 4, 4 } }
    };

    i = pick(sizeof(ops) / sizeof(ops[0]));

    for (n = 0; n < 11 && ops[i].args[n]; n++) {
        argv[n] = cigna_slice_str(one_of(ops[i].args[n], ops[i].counts[n]));
    }

    cigna_script_run(op, ops[i].script, argv, n);
}


static void
follow_clock(void)
{
    redisReply  *reply;

    reply = ask(plain.redis, "TIME");
    w.now_ms = strtoll(reply->element[0]->str, NULL, 10) * 1000
               + strtoll(reply->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(reply);
}


/* 1 if the result depends on the millisecond in which the operation happens */

static int
is_timed(const cigna_op_t *op)
{
    unsigned  i;

    if (op->redis.script == cigna_script(cigna_script_dance_list)
        || op->redis.script == cigna_script(cigna_script_dance_forget)
        || op->redis.script == cigna_script(cigna_script_dance_due))
    {
        return 1;
    }

    for (i = 0; i < op->redis.argc; i++) {
        if (op->redis.argv[i].data == (const uint8_t *) instant) {
            return 1;
        }
    }

    return 0;
}


static void
show(const cigna_op_t *op)
{
    unsigned  i;

    print_message("%s", op->redis.script->name);

    for (i = 0; i < op->redis.argc; i++) {
        print_message(" \"%.*s\"", (int) op->redis.argv[i].len,
                      op->redis.argv[i].data);
    }

    print_message("\n");
}


static void
lua_and_c_give_the_same_replies(void **state)
{
    unsigned     i;
    cigna_op_t   op;
    redisReply  *real, *model;

    (void) state;

    for (i = 0; i < 3000; i++) {
        random_op(&op);

        /* waits until both clocks show a new millisecond */

        if (is_timed(&op)) {
            (void) usleep(1500);
        }

        follow_clock();
        real = on_redis(plain.redis, &op);
        model = world_redis(&w.redis, &op);

        if (!alike(real, model)) {
            show(&op);
            fail_msg("step %u: \"%s\" in Lua, \"%s\" in C", i,
                     real->element[0]->str, model->element[0]->str);
        }

        freeReplyObject(real);
        freeReplyObject(model);

        if (is_timed(&op)) {
            (void) usleep(2500);
        }
    }
}


static int
setup(void **state)
{
    (void) state;

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    world_init(&w);
    tell(plain.redis, "FLUSHALL");

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    assert_sound(plain.redis);
    world_end(&a);
    world_end(&b);
    world_done(&w);

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(every_digest_is_the_one_redis_computes),
        test(a_dance_is_taken_once),
        test(a_taken_dance_is_interrupted_after_its_deadline),
        test(a_late_end_counts_if_nobody_else_has_ended_the_dance),
        test(a_dance_expires_before_its_key),
        test(another_member_ends_a_dance),
        test(a_dance_that_nobody_completes_is_closed_once),
        test(a_dance_is_displaced_unless_it_is_taken),
        test(a_story_tells_each_step),
        test(a_story_is_bounded_and_has_room_for_the_end),
        test(a_dance_without_a_story_gets_none_later),
        test(a_redis_that_is_nearly_full_keeps_no_story),
        test(an_end_is_counted_once),
        test(ended_dances_beyond_the_bound_leave_the_list),
        test(overdue_dances_are_found_again_after_a_while),
        test(version_0_4_0_ends_a_dance_that_this_one_has_started),
        test(this_version_ends_a_dance_that_0_4_0_has_started),
        test(an_end_that_comes_too_late_revives_no_dance),
        test(lock_and_mark_come_together),
        test(an_attempt_of_unknown_outcome_is_counted),
        test(a_refusal_that_is_not_final_is_counted_and_dated),
        test(a_lease_that_a_primary_lacks_is_set_again),
        test(a_lease_is_renewed_by_its_owner_and_taken_by_no_renewal),
        test(a_release_removes_only_its_owners_lock_and_mark),
        test(a_generation_replaces_only_an_older_one_of_the_same_grant),
        test(a_deleted_grant_is_not_installed_again),
        test(a_spent_mark_has_its_time),
        test(new_tokens_replace_their_generation_if_it_is_marked_spent),
        test(grant_install_returns_the_replaced_record),
        test(each_grant_of_an_identity_is_connected_after_the_one_before),
        test(a_generation_that_was_lost_is_restored),
        test(a_resealed_generation_stays_and_a_spent_one_is_replaced),
        test(a_replayed_grant_replaces_only_an_older_one),
        test(nothing_is_restored_after_a_delete),
        test(a_deletion_that_was_lost_is_made_again),
        test(a_record_is_resealed_only_if_it_has_not_changed),
        test(vault_check_returns_policy_marker_and_age_of_the_primary),
        test(the_flows_run_on_a_real_redis),
        test(a_displaced_dance_ends),
        test(a_handshake_finds_out_whether_redis_evicts),
        test(the_flows_need_no_more_than_a_few_commands),
        test(dances_need_no_more_rights_than_0_4_0_had),
        test(a_channel_that_is_forbidden_undoes_no_write),
        test(writes_are_published),
        test(the_flows_run_on_a_cluster),
        test(lua_and_c_give_the_same_replies)
    };

    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
