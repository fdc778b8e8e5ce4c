
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dance/cigna_dance_forget.h"
#include "vault/cigna_scripts.h"
#include "world_fault.h"
#include "world_redis.h"


/*
 * Redis as far as the flows need it.  The vault's scripts are implemented here
 * a second time, in C.  t/unit/vault/test_scripts.c compares them with the
 * scripts.
 */

#define WORLD_RESP_MAX  (200 * 1024)


typedef struct {
    char    *data;
    size_t   len;
} world_resp_t;


static world_key_t *world_key(world_redis_t *db, cigna_slice_t name,
    int create);
static world_field_t *world_field(world_key_t *key, cigna_slice_t name,
    int create);
static void world_key_free(world_key_t *key);
static void world_field_free(world_key_t *key, world_field_t *f);
static int64_t world_number(const world_field_t *f);
static int64_t world_int(cigna_slice_t s);


/* the clock, keys, and their fields */

static int64_t
world_redis_now(const world_redis_t *db)
{
    return *db->now_ms + db->skew_ms;
}


static world_key_t *
world_key(world_redis_t *db, cigna_slice_t name, int create)
{
    unsigned      i;
    world_key_t  *key, *unused;

    unused = NULL;

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &db->keys[i];

        if (key->name && key->expires_ms
            && key->expires_ms <= world_redis_now(db))
        {
            world_key_free(key);
        }

        if (key->name == NULL) {
            unused = key;

        } else if (cigna_slice_eq(cigna_slice_str(key->name), name)) {
            return key;
        }
    }

    if (!create) {
        return NULL;
    }

    if (unused == NULL) {
        world_fail("too many keys");
    }

    unused->name = strndup((const char *) name.data, name.len);

    return unused;
}


static void
world_key_free(world_key_t *key)
{
    while (key->nfields) {
        world_field_free(key, &key->fields[0]);
    }

    free(key->name);
    memset(key, 0, sizeof(world_key_t));
}


static world_field_t *
world_field(world_key_t *key, cigna_slice_t name, int create)
{
    unsigned        i;
    world_field_t  *f;

    for (i = 0; key && i < key->nfields; i++) {
        if (cigna_slice_eq(cigna_slice_str(key->fields[i].name), name)) {
            return &key->fields[i];
        }
    }

    if (!create) {
        return NULL;
    }

    if (key->nfields == WORLD_FIELDS) {
        world_fail("too many fields");
    }

    f = &key->fields[key->nfields++];
    memset(f, 0, sizeof(world_field_t));
    f->name = strndup((const char *) name.data, name.len);

    return f;
}


static void
world_field_free(world_key_t *key, world_field_t *f)
{
    free(f->name);
    free(f->data);
    *f = key->fields[--key->nfields];
}


static void
world_put(world_key_t *key, const char *name, cigna_slice_t value)
{
    world_field_t  *f;

    f = world_field(key, cigna_slice_str(name), 1);

    free(f->data);
    f->data = malloc(value.len + 1);
    f->len = value.len;

    if (value.len) {
        memcpy(f->data, value.data, value.len);
    }
}


static void
world_put_int(world_key_t *key, const char *name, int64_t n)
{
    char  text[24];

    (void) snprintf(text, sizeof(text), "%" PRId64, n);
    world_put(key, name, cigna_slice_str(text));
}


static void
world_drop(world_key_t *key, const char *name)
{
    world_field_t  *f;

    f = world_field(key, cigna_slice_str(name), 0);

    if (f) {
        world_field_free(key, f);
    }

    if (key && key->nfields == 0) {
        world_key_free(key);
    }
}


static const world_field_t *
world_at(world_key_t *key, const char *name)
{
    return world_field(key, cigna_slice_str(name), 0);
}


static int
world_is(const world_field_t *f, cigna_slice_t value)
{
    return f && cigna_slice_eq((cigna_slice_t) { f->data, f->len }, value);
}


static int64_t
world_number(const world_field_t *f)
{
    return f ? world_int((cigna_slice_t) { f->data, f->len }) : 0;
}


static int64_t
world_int(cigna_slice_t s)
{
    uint64_t  n;

    if (cigna_slice_uint(s, INT64_MAX, &n) != CIGNA_OK) {
        world_fail("an argument is not a number");
    }

    return (int64_t) n;
}


void
world_set_bytes(world_redis_t *db, cigna_slice_t key, const char *field,
    cigna_slice_t value)
{
    world_put(world_key(db, key, 1), field, value);
}


const world_field_t *
world_get(world_redis_t *db, cigna_slice_t key, const char *field)
{
    return world_at(world_key(db, key, 0), field);
}


void
world_set(world_redis_t *db, cigna_slice_t key, const char *field,
    const char *value)
{
    if (value) {
        world_put(world_key(db, key, 1), field, cigna_slice_str(value));

    } else {
        world_drop(world_key(db, key, 0), field);
    }
}


void
world_delete(world_redis_t *db, cigna_slice_t key)
{
    world_key_t  *k;

    k = world_key(db, key, 0);

    if (k) {
        world_key_free(k);
    }
}


void
world_redis_done(world_redis_t *db)
{
    unsigned  i;

    for (i = 0; i < WORLD_KEYS; i++) {
        world_key_free(&db->keys[i]);
        world_key_free(&db->replica[i]);
    }
}


static void
world_key_copy(world_key_t *to, const world_key_t *from)
{
    unsigned              i;
    world_field_t        *f;
    const world_field_t  *field;

    world_key_free(to);

    if (from->name == NULL) {
        return;
    }

    to->name = strdup(from->name);
    to->expires_ms = from->expires_ms;

    for (i = 0; i < from->nfields; i++) {
        field = &from->fields[i];

        f = world_field(to, cigna_slice_str(field->name), 1);
        f->score = field->score;
        f->len = field->len;
        f->data = malloc(field->len + 1);

        if (field->len) {
            memcpy(f->data, field->data, field->len);
        }
    }
}


void
world_replicate(world_redis_t *db)
{
    unsigned  i;

    for (i = 0; i < WORLD_KEYS; i++) {
        world_key_copy(&db->replica[i], &db->keys[i]);
    }
}


void
world_promote(world_redis_t *db)
{
    unsigned  i;

    for (i = 0; i < WORLD_KEYS; i++) {
        world_key_copy(&db->keys[i], &db->replica[i]);
    }
}


int
world_redis_has(world_redis_t *db, const char *bytes)
{
    unsigned        i, n;
    world_key_t    *key;
    world_field_t  *f;

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &db->keys[i];

        if (key->name && strstr(key->name, bytes)) {
            return 1;
        }

        for (n = 0; n < key->nfields; n++) {
            f = &key->fields[n];

            if (strstr(f->name, bytes)
                || (f->len && memmem(f->data, f->len, bytes, strlen(bytes))))
            {
                return 1;
            }
        }
    }

    return 0;
}


int
world_redis_bounded(const world_redis_t *db)
{
    unsigned            i;
    const world_key_t  *key;

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &db->keys[i];

        /* the vault's marker needs no expiry */

        if (key->name && key->expires_ms == 0
            && strncmp(key->name, "cigna:v:", 8) != 0)
        {
            return 0;
        }
    }

    return 1;
}


/* replies, as text of Redis' protocol */

static void
world_resp(world_resp_t *r, const char *bytes, size_t len)
{
    if (r->len + len > WORLD_RESP_MAX) {
        world_fail("a reply is too long");
    }

    memcpy(r->data + r->len, bytes, len);
    r->len += len;
}


static void
world_resp_head(world_resp_t *r, char type, int64_t n)
{
    int   len;
    char  text[32];

    len = snprintf(text, sizeof(text), "%c%" PRId64 "\r\n", type, n);
    world_resp(r, text, (size_t) len);
}


static void
world_resp_bulk(world_resp_t *r, cigna_slice_t s)
{
    world_resp_head(r, '$', (int64_t) s.len);
    world_resp(r, (const char *) s.data, s.len);
    world_resp(r, "\r\n", 2);
}


static void
world_resp_field(world_resp_t *r, const world_field_t *f)
{
    if (f) {
        world_resp_bulk(r, (cigna_slice_t) { f->data, f->len });

    } else {
        world_resp(r, "$-1\r\n", 5);
    }
}


/* begins an array of n elements, and appends the first one, a word */

static void
world_resp_word(world_resp_t *r, int64_t n, const char *word)
{
    world_resp_head(r, '*', n);
    world_resp_bulk(r, cigna_slice_str(word));
}


static void
world_resp_int(world_resp_t *r, int64_t n)
{
    char  text[24];

    (void) snprintf(text, sizeof(text), "%" PRId64, n);
    world_resp_bulk(r, cigna_slice_str(text));
}


/*
 * appends the six fields of a grant that flows read; key: NULL if Redis does
 * not have the grant's key
 */

static void
world_resp_record(world_resp_t *r, world_key_t *key)
{
    size_t              i;
    static const char  *names[] = { "i", "g", "b", "m", "n", "r" };

    world_resp_head(r, '*', 6);

    for (i = 0; i < 6; i++) {
        world_resp_field(r, world_at(key, names[i]));
    }
}


cigna_reply_t *
world_reply(const char *resp, size_t len)
{
    cigna_reply_t   *reply;
    cigna_reader_t  *reader;

    reader = cigna_reader_create();
    reply = NULL;

    if (reader == NULL
        || cigna_reader_feed(reader, cigna_slice_make(resp, resp + len))
           != CIGNA_OK
        || cigna_reader_next(reader, &reply) != CIGNA_OK)
    {
        world_fail("a reply cannot be read");
    }

    cigna_reader_destroy(reader);

    return reply;
}


/* the scripts, each as a function of its keys and arguments */

static void
world_publish(world_redis_t *db, cigna_slice_t identity, cigna_slice_t id,
    cigna_slice_t generation)
{
    db->published++;
    db->published_ms = *db->now_ms;

    (void) snprintf(db->message, sizeof(db->message), "%.*s %.*s %.*s",
                    (int) identity.len, identity.data, (int) id.len, id.data,
                    (int) generation.len, generation.data);
}


/*
 * the most lines and bytes of a story, for lines about requests, and for the
 * line about the dance's end
 */

#define WORLD_HIT  30, 3072
#define WORLD_END  40, 4096


static void
world_note(world_redis_t *db, world_key_t *key, cigna_slice_t line,
    const char *name, const char *value, unsigned lines, size_t bytes)
{
    int            len;
    char           text[8192];
    size_t         i, n;
    cigna_slice_t  story;

    story = world_at(key, "y")
            ? (cigna_slice_t) { world_at(key, "y")->data,
                                world_at(key, "y")->len }
            : cigna_slice("");

    for (i = 0, n = 0; i < story.len; i++) {
        n += story.data[i] == '\n';
    }

    len = snprintf(text, sizeof(text), "%.*s%" PRId64 " %.*s%s%s\n",
                   (int) story.len, story.data, world_redis_now(db),
                   (int) line.len, line.data, name, value);

    if (n < lines && (size_t) len <= bytes) {
        world_put(key, "y", cigna_slice_make(text, text + len));
    }
}


static void
world_dance_open(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int           told;
    world_key_t  *key;

    key = world_key(db, a[0], 1);
    told = a[9].len && !db->full;

    world_put(key, "b", a[1]);
    world_put(key, "s", a[2]);
    world_put(key, "w", a[3]);
    world_put(key, "d", a[4]);
    world_put_int(key, "e", world_redis_now(db) + world_int(a[5]));
    world_put_int(key, "a", world_redis_now(db));
    world_put(key, "r", a[7]);
    world_put(key, "n", a[8]);

    if (told) {
        world_put(key, "y", cigna_slice(""));
        world_note(db, key, a[9], "", "", WORLD_HIT);
    }

    key->expires_ms = world_redis_now(db) + world_int(told ? a[10] : a[6]);

    world_resp_word(r, 2, "ok");
    world_resp_bulk(r, told ? cigna_slice("1") : cigna_slice("0"));
}


/*
 * returns the entry with the lowest score; of several, the one that Redis ranks
 * first
 */

static world_field_t *
world_oldest(world_key_t *key)
{
    unsigned        i;
    world_field_t  *f, *oldest;

    oldest = NULL;

    for (i = 0; key && i < key->nfields; i++) {
        f = &key->fields[i];

        if (oldest == NULL || f->score < oldest->score
            || (f->score == oldest->score
                && strcmp(f->name, oldest->name) < 0))
        {
            oldest = f;
        }
    }

    return oldest;
}


static void
world_zadd(world_key_t *key, cigna_slice_t name, int64_t score)
{
    world_field(key, name, 1)->score = score;
}


/* removes an entry of a sorted set; 1 if there was one */

static int
world_zrem(world_key_t *key, cigna_slice_t name)
{
    world_field_t  *f;

    f = world_field(key, name, 0);

    if (f == NULL) {
        return 0;
    }

    world_field_free(key, f);

    if (key->nfields == 0) {
        world_key_free(key);
    }

    return 1;
}


/*
 * removes the "excess" oldest entries, at most 16; replies with "ok", the word
 * and these entries
 */

static void
world_evict(world_key_t *key, int64_t excess, const char *word,
    world_resp_t *r)
{
    world_field_t  *f;

    excess = excess < 0 ? 0 : excess > CIGNA_EVICTED_MAX ? CIGNA_EVICTED_MAX
                                                         : excess;

    world_resp_word(r, 2 + excess, "ok");
    world_resp_bulk(r, cigna_slice_str(word));

    while (excess-- > 0) {
        f = world_oldest(key);
        world_resp_bulk(r, cigna_slice_str(f->name));
        world_field_free(key, f);
    }
}


static void
world_dance_list(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t         now, life, bound;
    world_key_t    *key, *index;
    world_field_t  *f;

    now = world_redis_now(db);
    bound = world_int(a[3]) > 1 ? world_int(a[3]) : 1;
    life = world_int(a[4]);
    key = world_key(db, a[0], 1);

    f = world_field(key, a[2], 0);

    if (f) {
        world_field_free(key, f);
    }

    for (f = world_oldest(key); f && f->score <= now - life;
         f = world_oldest(key))
    {
        world_field_free(key, f);
    }

    index = world_key(db, a[1], 1);
    world_zadd(index, a[2], now + world_int(a[5]));
    index->expires_ms = now + world_int(a[6]);

    world_evict(key, (int64_t) key->nfields + 1 - bound,
                index->nfields <= (unsigned) world_int(a[7]) ? "1" : "0", r);

    world_zadd(key, a[2], now);
    key->expires_ms = now + life;
}


/*
 * begins an array of n elements, and appends the first ones: a word and the
 * description of the dance
 */

static void
world_resp_dance(world_resp_t *r, world_key_t *key, int64_t n,
    const char *word)
{
    size_t                i;
    const world_field_t  *f;
    static const char    *names[] = { "d", "n", "a", "w" };

    world_resp_word(r, n, word);

    for (i = 0; i < 4; i++) {
        f = world_at(key, names[i]);

        if (f || i == 0) {
            world_resp_field(r, f);

        } else {
            world_resp_bulk(r, cigna_slice(""));
        }
    }
}


static void
world_finish(world_key_t *key, cigna_slice_t outcome, cigna_slice_t ender)
{
    world_put(key, "o", outcome);
    world_put(key, "z", ender);
    world_drop(key, "b");
}


static void
world_hit(world_redis_t *db, world_key_t *key, cigna_slice_t line,
    const char *what)
{
    if (world_at(key, "y")) {
        world_note(db, key, line, " record=", what, WORLD_HIT);
    }
}


static void
world_dance_claim(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    char                  outcome[64];
    int64_t               now;
    world_key_t          *key;
    const world_field_t  *f;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);

    if (world_at(key, "s") == NULL) {
        world_resp_word(r, 1, "absent");
        return;
    }

    if (!world_is(world_at(key, "s"), a[1])) {
        world_hit(db, key, a[5], "mismatch");
        world_resp_dance(r, key, 5, "mismatch");
        return;
    }

    if (!world_is(world_at(key, "w"), a[2])) {

        if (!world_at(key, "o") && !world_at(key, "t")) {
            world_finish(key, cigna_slice("identity_mismatch"), a[3]);
            world_put(key, "r", cigna_slice(""));
        }

        world_hit(db, key, a[5], "other");
        world_resp_dance(r, key, 6, "other");
        world_resp_bulk(r, world_is(world_at(key, "z"), a[3])
                           ? cigna_slice("1") : cigna_slice("0"));
        return;
    }

    if (!world_at(key, "o")) {

        if (world_at(key, "t") && world_number(world_at(key, "t")) <= now) {
            world_finish(key, cigna_slice("interrupted"), a[3]);

        } else if (!world_at(key, "t")
                   && now >= world_number(world_at(key, "e")))
        {
            world_finish(key, cigna_slice("state_expired"), a[3]);
        }
    }

    f = world_at(key, "o");

    if (f) {
        (void) snprintf(outcome, sizeof(outcome), "%.*s", (int) f->len,
                        f->data);
        world_hit(db, key, a[5], outcome);
        world_resp_dance(r, key, 8, "ended");
        world_resp_bulk(r, world_is(world_at(key, "z"), a[3])
                           ? cigna_slice("1") : cigna_slice("0"));
        world_resp_bulk(r, cigna_slice_str(outcome));

        f = world_at(key, "r");
        world_resp_bulk(r, f ? (cigna_slice_t) { f->data, f->len }
                             : cigna_slice(""));
        return;
    }

    if (world_at(key, "t") && !world_is(world_at(key, "k"), a[3])) {
        world_resp_dance(r, key, 8, "taken");
        world_resp_bulk(r, cigna_slice("0"));
        world_resp_field(r, world_at(key, "b"));
        world_resp_head(r, ':', world_number(world_at(key, "t")) - now);
        return;
    }

    if (world_at(key, "t") == NULL) {
        world_put(key, "k", a[3]);
        world_put_int(key, "t", now + world_int(a[4]));
        world_hit(db, key, a[5], "taken");
    }

    world_resp_dance(r, key, 7, "yours");
    world_resp_bulk(r, cigna_slice("0"));
    world_resp_field(r, world_at(key, "b"));
}


static void
world_dance_end(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    world_key_t  *key;

    key = world_key(db, a[0], 0);

    if (world_at(key, "s") == NULL) {
        world_resp_word(r, 1, "absent");

    } else if (!world_is(world_at(key, "k"), a[1])) {
        world_resp_word(r, 1, "other");

    } else if (world_is(world_at(key, "o"), a[2])
               && world_is(world_at(key, "z"), a[1]))
    {
        world_resp_word(r, 1, "ok");

    } else if (world_at(key, "o")) {
        world_resp_word(r, 2, "ended");
        world_resp_field(r, world_at(key, "o"));

    } else {
        world_finish(key, a[2], a[1]);

        if (a[3].len) {
            world_put(key, "r", a[3]);
        }

        if (world_at(key, "y")) {
            world_note(db, key, a[4], "", "", WORLD_END);
        }

        world_resp_word(r, 1, "ok");
    }
}


static void
world_dance_close(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    char                  outcome[64];
    int64_t               now;
    const char           *word;
    world_key_t          *key;
    const world_field_t  *taken;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);
    taken = world_at(key, "t");

    if (world_at(key, "s") == NULL) {
        world_resp_word(r, 1, "absent");
        return;
    }

    word = "ok";

    if (world_at(key, "o")) {
        word = world_is(world_at(key, "z"), a[2]) ? "ok" : "ended";

    } else if ((taken && world_number(taken) > now)
               || (!taken && cigna_slice_eq(a[1], cigna_slice("abandoned"))
                   && world_number(world_at(key, "e")) > now))
    {
        world_resp_word(r, 1, "open");
        return;

    } else {
        (void) snprintf(outcome, sizeof(outcome), "%.*s", (int) a[1].len,
                        a[1].data);

        if (taken) {
            (void) snprintf(outcome, sizeof(outcome), "interrupted");
        }

        world_finish(key, cigna_slice_str(outcome), a[2]);

        if (world_at(key, "y")) {
            world_note(db, key, a[3], " outcome=", outcome, WORLD_END);
        }
    }

    world_resp_dance(r, key, 6, word);
    world_resp_field(r, world_at(key, "o"));
}


static void
world_dance_forget(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t         now;
    world_key_t    *key;
    world_field_t  *f;
    char            name[128];

    now = world_redis_now(db);

    (void) world_zrem(world_key(db, a[0], 0), a[4]);

    if (!world_zrem(world_key(db, a[1], 0), a[4])) {
        world_resp_word(r, 1, "absent");
        return;
    }

    if (a[5].len) {
        (void) snprintf(name, sizeof(name), "%.*s", (int) a[5].len, a[5].data);

        key = world_key(db, a[3], 1);
        world_put_int(key, name, world_number(world_at(key, name)) + 1);
        key->expires_ms = now + world_int(a[8]);
    }

    if (a[5].len == 0 || world_int(a[7]) == 0 || db->full) {
        world_resp_word(r, 2, "ok");
        world_resp_bulk(r, cigna_slice("0"));
        return;
    }

    key = world_key(db, a[2], 1);

    for (f = world_oldest(key); f && f->score <= now - world_int(a[8]);
         f = world_oldest(key))
    {
        world_field_free(key, f);
    }

    world_zadd(key, a[6], now);
    key->expires_ms = now + world_int(a[8]);
    world_evict(key, (int64_t) key->nfields - world_int(a[7]), "1", r);
}


static void
world_dance_due(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t         now, n;
    world_key_t    *key;
    cigna_slice_t   due[CIGNA_EVICTED_MAX];
    world_field_t  *f;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);

    for (n = 0; n < world_int(a[1]); n++) {
        f = world_oldest(key);

        if (f == NULL || f->score > now) {
            break;
        }

        due[n] = cigna_slice_str(f->name);
        f->score = now + world_int(a[2]);
    }

    world_resp_word(r, 1 + n, "ok");

    for (now = 0; now < n; now++) {
        world_resp_bulk(r, due[now]);
    }
}


/*
 * A new value of the field "x": the ids of replaced and deleted grants.  It is
 * a copy, because the key may be deleted before the field is set.
 */

typedef struct {
    char  text[512];
    int   len;
} world_gone_t;


static cigna_slice_t
world_slice(const world_field_t *f)
{
    return f ? (cigna_slice_t) { f->data, f->len } : cigna_slice("");
}


static int
world_gone_has(world_key_t *key, cigna_slice_t id)
{
    cigna_slice_t  gone;

    gone = world_slice(world_at(key, "x"));

    return gone.len && memmem(gone.data, gone.len, id.data, id.len) != NULL;
}


/*
 * makes the new value of the field "x", the ids of grants that were replaced or
 * deleted: this id comes first, and eight ids stay at most
 */

static void
world_gone(world_redis_t *db, world_key_t *key, cigna_slice_t id,
    world_gone_t *g)
{
    cigna_slice_t  gone;

    gone = world_slice(world_at(key, "x"));

    g->len = snprintf(g->text, sizeof(g->text), "%.*s %.*s", (int) id.len,
                      id.data, (int) gone.len, gone.data);
    g->len = g->len > 8 * 23 ? 8 * 23 : g->len;

    if (db->nretired < WORLD_RETIRED) {
        (void) snprintf(db->retired[db->nretired++], 32, "%.*s", (int) id.len,
                        id.data);
    }
}


static void
world_put_gone(world_key_t *key, const world_gone_t *g)
{
    world_put(key, "x", cigna_slice_make(g->text, g->text + g->len));
}


static void
world_unmark(world_key_t *key)
{
    world_drop(key, "m");
    world_drop(key, "n");
    world_drop(key, "o");
    world_drop(key, "r");
    world_drop(key, "s");
}


/* writes a grant over the one that the key has, if it has one */

static void
world_write(world_redis_t *db, world_key_t *key, const cigna_slice_t *a,
    int64_t connected_ms)
{
    world_gone_t  gone;

    if (world_at(key, "i") && !world_is(world_at(key, "i"), a[0])) {
        world_gone(db, key, world_slice(world_at(key, "i")), &gone);
        world_put_gone(key, &gone);

    } else if (world_at(key, "x") == NULL) {
        world_put(key, "x", cigna_slice(""));
    }

    world_put(key, "i", a[0]);
    world_put(key, "g", a[1]);
    world_put(key, "b", a[2]);
    world_put_int(key, "c", connected_ms);
    world_unmark(key);
    key->expires_ms = world_redis_now(db) + world_int(a[3]);
}


static void
world_grant_install(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t       connected;
    world_key_t  *key;

    key = world_key(db, a[0], 0);
    connected = world_number(world_at(key, "c"));

    if (world_is(world_at(key, "i"), a[1])) {
        world_resp_word(r, 3, "ok");
        world_resp_int(r, connected);
        world_resp_record(r, NULL);
        return;
    }

    if (world_gone_has(key, a[1])) {
        world_resp_word(r, 1, "retired");
        return;
    }

    connected = connected + 1 > world_redis_now(db) ? connected + 1
                                                   : world_redis_now(db);

    world_resp_word(r, 3, "ok");
    world_resp_int(r, connected);
    world_resp_record(r, key);

    world_write(db, world_key(db, a[0], 1), &a[1], connected);
    world_publish(db, a[6], a[1], a[2]);
}


static void
world_grant_begin(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int           ours;
    int64_t       now, mark, attempts;
    world_key_t  *key, *lock;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);

    if (!world_is(world_at(key, "i"), a[3])
        || !world_is(world_at(key, "g"), a[4]))
    {
        world_resp_word(r, 2, "stale");
        world_resp_record(r, key);
        return;
    }

    lock = world_key(db, a[1], 0);

    if (lock && !world_is(world_at(lock, ""), a[2])) {
        world_resp_word(r, 1, "busy");
        return;
    }

    mark = world_number(world_at(key, "m"));
    attempts = world_number(world_at(key, "n"));
    ours = mark > now && world_is(world_at(key, "o"), a[2]);

    if (mark > now && !ours) {
        world_resp_word(r, 1, "marked");
        return;
    }

    if (!ours && attempts != world_int(a[7])) {
        world_resp_word(r, 2, "stale");
        world_resp_record(r, key);
        return;
    }

    lock = world_key(db, a[1], 1);
    world_put(lock, "", a[2]);
    lock->expires_ms = now + world_int(a[5]);

    world_put_int(key, "m", now + world_int(a[6]));
    world_put_int(key, "n", attempts + !ours);
    world_put(key, "o", a[2]);

    world_resp_word(r, 2, "mine");
    world_resp_int(r, world_number(world_at(key, "c")));
}


static void
world_grant_renew(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t       now;
    world_key_t  *key, *lock;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);
    lock = world_key(db, a[1], 0);

    if (!world_is(world_at(key, "o"), a[2])
        || (lock && !world_is(world_at(lock, ""), a[2]))
        || world_number(world_at(key, "m")) <= now)
    {
        world_resp_word(r, 1, "lost");
        return;
    }

    lock = world_key(db, a[1], 1);
    world_put(lock, "", a[2]);
    lock->expires_ms = now + world_int(a[3]);

    world_resp_word(r, 1, "mine");
}


static void
world_grant_retake(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t       now, attempts;
    world_key_t  *key, *lock;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);
    lock = world_key(db, a[1], 0);

    if (!world_is(world_at(key, "i"), a[5])
        || !world_is(world_at(key, "g"), a[6])
        || (lock && !world_is(world_at(lock, ""), a[2]))
        || (!world_is(world_at(key, "o"), a[2])
            && world_number(world_at(key, "m")) > now))
    {
        world_resp_word(r, 1, "lost");
        return;
    }

    lock = world_key(db, a[1], 1);
    world_put(lock, "", a[2]);
    lock->expires_ms = now + world_int(a[3]);

    attempts = world_number(world_at(key, "n"));

    world_put_int(key, "m", now + world_int(a[4]));
    world_put_int(key, "n", attempts > world_int(a[7]) ? attempts
                                                      : world_int(a[7]));
    world_put(key, "o", a[2]);

    world_resp_word(r, 1, "mine");
}


static void
world_unlock(world_redis_t *db, cigna_slice_t name, cigna_slice_t owner)
{
    world_key_t  *lock;

    lock = world_key(db, name, 0);

    if (lock && world_is(world_at(lock, ""), owner)) {
        world_key_free(lock);
    }
}


/*
 * Returns 1 if a record of this generation may replace the one at the key.  The
 * generation must be newer, or be the same if the record at the key is marked
 * spent and the new one is not.  spent: 1 if the new record is marked spent.
 */

static int
world_older(world_key_t *key, cigna_slice_t generation, int spent)
{
    int64_t  there;

    there = world_number(world_at(key, "g"));

    if (world_at(key, "s") && !spent) {
        there--;
    }

    return there < world_int(generation);
}


static void
world_grant_swap(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    int64_t       n;
    world_key_t  *key;

    world_unlock(db, a[1], a[2]);

    key = world_key(db, a[0], 0);

    if (world_is(world_at(key, "i"), a[3])
        && world_is(world_at(key, "g"), a[4])
        && world_is(world_at(key, "b"), a[5]))
    {
        world_resp_word(r, 1, "ok");
        return;
    }

    if (!world_is(world_at(key, "i"), a[3])
        || !world_older(key, a[4], a[9].len != 0))
    {
        world_resp_word(r, 2, "stale");
        world_resp_record(r, key);
        return;
    }

    n = a[9].len ? world_number(world_at(key, "n")) : 0;

    world_unmark(key);
    world_put(key, "g", a[4]);
    world_put(key, "b", a[5]);

    if (n) {
        world_put_int(key, "n", n);
    }

    if (a[9].len) {
        world_put_int(key, "s", world_redis_now(db));
    }

    key->expires_ms = world_redis_now(db) + world_int(a[6]);

    world_publish(db, a[8], a[3], a[4]);
    world_resp_word(r, 1, "ok");
}


static void
world_grant_release(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    char          refused[64];
    int64_t       now, mark;
    world_key_t  *key;

    now = world_redis_now(db);
    key = world_key(db, a[0], 0);

    world_unlock(db, a[1], a[2]);
    world_resp_word(r, 1, "ok");

    if (!world_is(world_at(key, "o"), a[2])) {
        return;
    }

    if (cigna_slice_eq(a[3], cigna_slice("refused"))) {
        (void) snprintf(refused, sizeof(refused), "%.*s %" PRId64,
                        (int) world_at(key, "g")->len,
                        world_at(key, "g")->data, now);
        world_put(key, "r", cigna_slice_str(refused));
        mark = now;

    } else if (a[3].len) {
        world_drop(key, "r");
        mark = world_number(world_at(key, "m"));
        mark = mark < now + world_int(a[3]) ? mark : now + world_int(a[3]);

    } else if (world_number(world_at(key, "n")) > 1) {
        world_put_int(key, "n", world_number(world_at(key, "n")) - 1);
        mark = now;

    } else {
        world_drop(key, "m");
        world_drop(key, "n");
        world_drop(key, "o");
        world_drop(key, "r");
        return;
    }

    world_drop(key, "o");
    world_put_int(key, "m", mark);
}


static void
world_tomb(world_redis_t *db, cigna_slice_t name, const world_gone_t *gone,
    int64_t connected_ms, cigna_slice_t life)
{
    world_key_t  *key;

    world_delete(db, name);

    key = world_key(db, name, 1);
    world_put_gone(key, gone);
    world_put_int(key, "c", connected_ms);
    key->expires_ms = world_redis_now(db) + world_int(life);
}


static void
world_grant_delete(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    world_key_t   *key;
    world_gone_t   gone;

    world_delete(db, a[1]);

    key = world_key(db, a[0], 0);

    if (world_at(key, "i") == NULL) {
        world_publish(db, a[4], cigna_slice("-"), cigna_slice("0"));
        world_resp_word(r, 1, "none");
        return;
    }

    world_publish(db, a[4], world_slice(world_at(key, "i")), cigna_slice("0"));
    world_resp_word(r, 3, "ok");
    world_resp_record(r, key);
    world_resp_int(r, world_number(world_at(key, "c")));

    world_gone(db, key, world_slice(world_at(key, "i")), &gone);
    world_tomb(db, a[0], &gone, world_number(world_at(key, "c")), a[2]);
}


static void
world_grant_replay(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    world_key_t  *key;

    key = world_key(db, a[0], 0);

    if (world_is(world_at(key, "i"), a[1])) {

        if (world_is(world_at(key, "g"), a[2])
            && world_at(key, "s") == NULL)
        {
            world_resp_word(r, 1, "ok");
            return;
        }

        if (!world_older(key, a[2], 0)) {
            world_resp_word(r, 1, "stale");
            return;
        }

    } else if (world_gone_has(key, a[1])) {
        world_resp_word(r, 1, "retired");
        return;

    } else if (world_number(world_at(key, "c")) >= world_int(a[5])) {
        world_resp_word(r, 1, world_at(key, "i") ? "other" : "retired");
        return;
    }

    world_write(db, world_key(db, a[0], 1), &a[1], world_int(a[5]));
    world_publish(db, a[7], a[1], a[2]);
    world_resp_word(r, 1, "ok");
}


static void
world_grant_forget(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    char           id[64];
    int64_t        connected;
    world_key_t   *key;
    world_gone_t   gone;

    key = world_key(db, a[0], 1);
    connected = world_number(world_at(key, "c"));
    (void) snprintf(id, sizeof(id), "%.*s",
                    (int) world_slice(world_at(key, "i")).len,
                    world_slice(world_at(key, "i")).data);

    if (!world_gone_has(key, a[2])) {
        world_gone(db, key, a[2], &gone);
        world_put_gone(key, &gone);
    }

    if (id[0] && !cigna_slice_eq(cigna_slice_str(id), a[2])) {

        if (connected > world_int(a[3])) {
            world_resp_word(r, 1, "other");
            return;
        }

        world_gone(db, key, cigna_slice_str(id), &gone);
        world_put_gone(key, &gone);
    }

    gone.len = snprintf(gone.text, sizeof(gone.text), "%.*s",
                        (int) world_at(key, "x")->len,
                        world_at(key, "x")->data);

    connected = connected > world_int(a[3]) ? connected : world_int(a[3]);
    world_tomb(db, a[0], &gone, connected, a[4]);

    if (id[0]) {
        world_delete(db, a[1]);
        world_publish(db, a[6], cigna_slice_str(id), cigna_slice("0"));
    }

    world_resp_word(r, 1, "ok");
}


static void
world_grant_reseal(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    world_key_t  *key;

    key = world_key(db, a[0], 0);

    if (world_is(world_at(key, "b"), a[2])) {
        world_resp_word(r, 1, "ok");
        return;
    }

    if (!world_is(world_at(key, "b"), a[1])) {
        world_resp_word(r, 1, "stale");
        return;
    }

    world_put(key, "b", a[2]);
    world_resp_word(r, 1, "ok");
}


static void
world_grant_amend(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    world_key_t  *key;

    key = world_key(db, a[0], 0);

    if (world_is(world_at(key, "b"), a[1])) {
        world_publish(db, a[4], cigna_slice("-"), cigna_slice("0"));
    }

    world_grant_reseal(db, a, r);
}


/*
 * performs the script vault_check, for a server that has always been the
 * primary
 */

static void
world_vault_check(world_redis_t *db, const cigna_slice_t *a, world_resp_t *r)
{
    world_key_t  *key;

    key = world_key(db, a[0], 0);

    if (world_at(key, "b") == NULL) {
        world_resp_word(r, 2, "none");
        world_resp_bulk(r, cigna_slice_str(db->policy));
        return;
    }

    world_resp_word(r, 5, "ok");
    world_resp_bulk(r, cigna_slice_str(db->policy));
    world_resp_field(r, world_at(key, "b"));
    world_resp_head(r, ':', world_redis_now(db));
    world_resp_bulk(r, cigna_slice("run"));
}


typedef void (*world_script_pt)(world_redis_t *db, const cigna_slice_t *a,
    world_resp_t *r);


typedef struct {
    cigna_script_e    script;
    unsigned          argc;
    world_script_pt   run;
} world_script_t;


static const world_script_t  world_scripts[] = {
    { cigna_script_dance_list, 8, world_dance_list },
    { cigna_script_dance_open, 11, world_dance_open },
    { cigna_script_dance_claim, 6, world_dance_claim },
    { cigna_script_dance_end, 5, world_dance_end },
    { cigna_script_dance_close, 4, world_dance_close },
    { cigna_script_dance_forget, 9, world_dance_forget },
    { cigna_script_dance_due, 3, world_dance_due },
    { cigna_script_grant_install, 7, world_grant_install },
    { cigna_script_grant_begin, 8, world_grant_begin },
    { cigna_script_grant_renew, 8, world_grant_renew },
    { cigna_script_grant_retake, 8, world_grant_retake },
    { cigna_script_grant_swap, 10, world_grant_swap },
    { cigna_script_grant_release, 4, world_grant_release },
    { cigna_script_grant_delete, 5, world_grant_delete },
    { cigna_script_grant_replay, 8, world_grant_replay },
    { cigna_script_grant_forget, 7, world_grant_forget },
    { cigna_script_grant_reseal, 3, world_grant_reseal },
    { cigna_script_grant_amend, 5, world_grant_amend },
    { cigna_script_vault_check, 1, world_vault_check }
};


/*
 * 1 if the operation is the command "name".  argc: the number of arguments, the
 * command's name included; 0: any number.
 */

static int
world_command(const cigna_op_t *op, const char *name, unsigned argc)
{
    return cigna_slice_eq(op->redis.argv[0], cigna_slice_str(name))
           && (argc == 0 || op->redis.argc == argc);
}


static void
world_text(world_resp_t *r, const char *text)
{
    world_resp(r, text, strlen(text));
}


static void
world_auth_command(world_redis_t *db, const cigna_op_t *op, world_resp_t *r)
{
    int  right;

    right = cigna_slice_eq(op->redis.argv[op->redis.argc - 1],
                           cigna_slice_str(db->password));

    world_text(r, right ? "+OK\r\n" : "-WRONGPASS invalid username-password "
                                      "pair or user is disabled.\r\n");
}


static void
world_plain(world_redis_t *db, const cigna_op_t *op, world_resp_t *r)
{
    char          info[128];
    unsigned      i;
    world_key_t  *key;

    if (world_command(op, "HMGET", 0)) {
        key = world_key(db, op->redis.argv[1], 0);
        world_resp_head(r, '*', op->redis.argc - 2);

        for (i = 2; i < op->redis.argc; i++) {
            world_resp_field(r, world_field(key, op->redis.argv[i], 0));
        }

    } else if (world_command(op, "UNLINK", 2)) {
        world_delete(db, op->redis.argv[1]);
        world_text(r, ":1\r\n");

    } else if (world_command(op, "AUTH", 0)) {
        world_auth_command(db, op, r);

    } else if (world_command(op, "SELECT", 2)
               || world_command(op, "CLIENT", 3))
    {
        world_text(r, "+OK\r\n");

    } else if (world_command(op, "INFO", 2)) {
        (void) snprintf(info, sizeof(info), "# Memory\r\nused_memory:1\r\n"
                        "maxmemory_policy:%s\r\nmem_fragmentation:1\r\n",
                        db->policy);
        world_resp_bulk(r, cigna_slice_str(info));

    } else {
        world_fail("an unknown command");
    }
}


/* the hash tag of a key, by which Redis Cluster chooses the key's slot */

static cigna_slice_t
world_tag(cigna_slice_t key)
{
    const uint8_t  *open, *close;

    open = memchr(key.data, '{', key.len);
    close = open ? memchr(open, '}', key.len - (size_t) (open - key.data))
                 : NULL;

    if (close == NULL) {
        world_fail("a key without hash tag");
    }

    return cigna_slice_make(open, close);
}


cigna_reply_t *
world_redis(world_redis_t *db, const cigna_op_t *op)
{
    size_t        i;
    world_resp_t  r;
    static char   text[WORLD_RESP_MAX];

    if (db->real) {
        return db->real(db->real_data, op);
    }

    r.data = text;
    r.len = 0;

    if (op->type == cigna_op_redis) {
        world_plain(db, op, &r);

    } else {

        for (i = 1; i < op->redis.script->nkeys; i++) {
            if (!cigna_slice_eq(world_tag(op->redis.argv[0]),
                                world_tag(op->redis.argv[i])))
            {
                world_fail("a script with keys of two slots");
            }
        }

        for (i = 0; i < sizeof(world_scripts) / sizeof(world_scripts[0]);
             i++)
        {
            if (op->redis.script != cigna_script(world_scripts[i].script)) {
                continue;
            }

            if (op->redis.argc != world_scripts[i].argc) {
                world_fail("a script with too few or too many arguments");
            }

            world_scripts[i].run(db, op->redis.argv, &r);
        }
    }

    return world_reply(r.data, r.len);
}
