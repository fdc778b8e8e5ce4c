
/*
 *     +------+-------------------+---------------+------------------------+
 *     | book | next[n]: chunks   | entries[n]    | chunks[n]              |
 *     +------+-------------------+---------------+------------------------+
 *
 * An entry's bytes, tenant and then record, lie in a chain of chunks; next[]
 * says which one follows, as it does for the list of free chunks.
 *
 * An entry counts from the moment its state is set, which comes last, and no
 * longer from the moment it is cleared, which comes first.  So whenever a
 * writer dies there are only whole entries, of which no two share a chunk; the
 * list of free chunks and the counts follow from them, and what was being
 * written tells which one it was to replace.  The checksum is for what should
 * not happen.
 */


#include <string.h>

#include "cigna_grant.h"
#include "cigna_identity.h"
#include "cigna_journal.h"


#define CIGNA_JOURNAL_CHUNK  512
#define CIGNA_JOURNAL_USED   0x80000000

/* a grant was confirmed before it was entered, for so long at most */

#define CIGNA_JOURNAL_LATE_MS  5000


typedef struct {
    uint32_t   live;                       /* set last, cleared first */
    uint32_t   len;                        /* of the bytes */
    uint32_t   first;                      /* chunk */
    uint32_t   tenant_len;
    uint8_t    who[CIGNA_NAME_LEN];
    uint8_t    id[CIGNA_GRANT_ID_LEN];
    uint64_t   generation;
    int64_t    connected_ms;
    int64_t    until_ms;
    int64_t    made_ms;
    uint64_t   sum;                        /* of all of that */

    int64_t    confirmed_ms;               /* 0: it is not */
    int64_t    written_ms;                 /* when it was begun to be */
    int64_t    due_ms;                     /* not to be tried before */
    int64_t    tried_ms;                   /* when it was last claimed */
    int64_t    taken_ms;                   /* until then by "owner" */
    int32_t    owner;                      /* 0: nobody */
    uint32_t   claimed;                    /* by claim() */
    uint32_t   tries;
} cigna_journal_entry_t;


struct cigna_book_s {
    uint32_t   n;                          /* of entries, of chunks */
    uint32_t   top;                        /* no entry is live from here on */
    uint32_t   free;                       /* first chunk, n: none */
    uint32_t   nfree;
    uint32_t   entries;
    uint32_t   unconfirmed;
    uint32_t   writing;                    /* entry that is put, and one; it
                                              may be there with the one that
                                              it replaces */
    uint32_t   spare;
};


#define cigna_journal_next(b)  ((uint32_t *) ((b) + 1))

#define cigna_journal_entry(b, i)                                             \
    (&((cigna_journal_entry_t *) (cigna_journal_next(b) + (b)->n))[i])

#define cigna_journal_chunk(b, i)                                             \
    ((uint8_t *) cigna_journal_entry(b, (b)->n)                               \
     + (size_t) (i) * CIGNA_JOURNAL_CHUNK)

#define CIGNA_JOURNAL_SLOT                                                    \
    (sizeof(uint32_t) + sizeof(cigna_journal_entry_t) + CIGNA_JOURNAL_CHUNK)


static cigna_journal_entry_t *cigna_journal_find(cigna_book_t *b,
    const cigna_journal_t *j);
static int cigna_journal_outdated(const cigna_journal_entry_t *e,
    const cigna_journal_t *j);
static cigna_journal_entry_t *cigna_journal_room(cigna_book_t *b,
    unsigned chunks);
static cigna_journal_entry_t *cigna_journal_oldest(cigna_book_t *b);
static void cigna_journal_write(cigna_book_t *b, cigna_journal_entry_t *e,
    const cigna_journal_t *j);
static void cigna_journal_drop(cigna_book_t *b, cigna_journal_entry_t *e);
static uint64_t cigna_journal_sum(const cigna_journal_entry_t *e,
    cigna_slice_t tenant, cigna_slice_t blob);
static uint64_t cigna_journal_mix(uint64_t sum, const void *data, size_t len);
static void cigna_journal_head(const cigna_journal_entry_t *e,
    const uint8_t *mem, cigna_journal_t *j);
static int cigna_journal_read(const cigna_book_t *b,
    const cigna_journal_entry_t *e, uint8_t *mem, cigna_journal_t *j);
static void cigna_journal_replaced(cigna_book_t *b);
static int cigna_journal_whole(cigna_book_t *b,
    const cigna_journal_entry_t *e);
static int cigna_journal_wanted(const cigna_journal_entry_t *e,
    const cigna_journal_look_t *look);
static int cigna_journal_taken(const cigna_journal_entry_t *e,
    const cigna_journal_look_t *look);


cigna_book_t *
cigna_journal_open(void *mem, size_t size)
{
    uint32_t       i, n;
    cigna_book_t  *b;

    b = mem;

    if (size < sizeof(cigna_book_t) + 2 * CIGNA_JOURNAL_SLOT) {
        return NULL;
    }

    if (b->n) {
        return b;
    }

    /* an even number, so that entries are aligned behind the list */

    n = (size - sizeof(cigna_book_t)) / CIGNA_JOURNAL_SLOT;
    n -= n % 2;

    b->nfree = n;

    for (i = 0; i < n; i++) {
        cigna_journal_next(b)[i] = i + 1;
    }

    b->n = n;

    return b;
}


void
cigna_journal_repair(cigna_book_t *b)
{
    uint32_t                i, *next;
    cigna_journal_entry_t  *e;

    next = cigna_journal_next(b);

    for (i = 0; i < b->n; i++) {
        next[i] &= ~CIGNA_JOURNAL_USED;
    }

    cigna_journal_replaced(b);

    b->top = 0;
    b->entries = 0;
    b->unconfirmed = 0;

    for (i = 0; i < b->n; i++) {
        e = cigna_journal_entry(b, i);

        if (e->live == 0) {
            continue;
        }

        if (!cigna_journal_whole(b, e)) {
            e->live = 0;
            continue;
        }

        b->top = i + 1;
        b->entries++;
        b->unconfirmed += e->confirmed_ms == 0;
    }

    b->free = b->n;
    b->nfree = 0;

    for (i = b->n; i-- > 0; /* void */ ) {

        if (next[i] & CIGNA_JOURNAL_USED) {
            next[i] &= ~CIGNA_JOURNAL_USED;
            continue;
        }

        next[i] = b->free;
        b->free = i;
        b->nfree++;
    }
}


static void
cigna_journal_replaced(cigna_book_t *b)
{
    uint32_t                i;
    cigna_journal_entry_t  *e, *other;

    if (b->writing == 0 || b->writing > b->n) {
        return;
    }

    e = cigna_journal_entry(b, b->writing - 1);

    for (i = 0; e->live && i < b->n; i++) {
        other = cigna_journal_entry(b, i);

        if (other != e
            && memcmp(e->who, other->who, CIGNA_NAME_LEN) == 0
            && memcmp(e->id, other->id, CIGNA_GRANT_ID_LEN) == 0)
        {
            other->live = 0;
        }
    }

    b->writing = 0;
}


/* marks its chunks, if they are all there and nobody else's */

static int
cigna_journal_whole(cigna_book_t *b, const cigna_journal_entry_t *e)
{
    size_t           left, n;
    uint32_t         i, pass, *next;
    uint64_t         sum;

    next = cigna_journal_next(b);

    if (e->len > CIGNA_JOURNAL_BYTES_MAX || e->tenant_len > e->len) {
        return 0;
    }

    for (pass = 0; pass < 2; pass++) {

        sum = cigna_journal_sum(e, cigna_slice_null, cigna_slice_null);

        for (i = e->first, left = e->len; left; left -= n) {

            if (i >= b->n || next[i] & CIGNA_JOURNAL_USED) {
                return 0;
            }

            n = left < CIGNA_JOURNAL_CHUNK ? left : CIGNA_JOURNAL_CHUNK;
            sum = cigna_journal_mix(sum, cigna_journal_chunk(b, i), n);

            if (pass == 1) {
                next[i] |= CIGNA_JOURNAL_USED;
                i = next[i] & ~CIGNA_JOURNAL_USED;

            } else {
                i = next[i];
            }
        }

        if (sum != e->sum) {
            return 0;
        }
    }

    return 1;
}


int
cigna_journal_put(cigna_book_t *b, const cigna_journal_t *j, int confirmed,
    int32_t pid, int64_t now_ms, int64_t until_ms)
{
    size_t                  len;
    cigna_journal_entry_t  *e, *old;

    len = j->tenant.len + j->blob.len;

    if (len == 0 || len > CIGNA_JOURNAL_BYTES_MAX
        || j->who.len != CIGNA_NAME_LEN || j->id.len != CIGNA_GRANT_ID_LEN)
    {
        return CIGNA_NONE;
    }

    old = cigna_journal_find(b, j);

    if (old && cigna_journal_outdated(old, j)) {
        return CIGNA_OK;
    }

    cigna_journal_expire(b, now_ms);

    e = cigna_journal_room(b, (len + CIGNA_JOURNAL_CHUNK - 1)
                              / CIGNA_JOURNAL_CHUNK);
    if (e == NULL) {
        return CIGNA_NONE;
    }

    e->confirmed_ms = confirmed ? now_ms : 0;
    e->written_ms = now_ms;
    e->due_ms = 0;
    e->tried_ms = now_ms;
    e->owner = confirmed ? 0 : pid;
    e->taken_ms = until_ms;
    e->claimed = 0;
    e->tries = 0;

    if (confirmed) {
        e->written_ms = now_ms > CIGNA_JOURNAL_LATE_MS
                        ? now_ms - CIGNA_JOURNAL_LATE_MS : 1;
    }

    b->writing = (uint32_t) (e - cigna_journal_entry(b, 0)) + 1;

    cigna_journal_write(b, e, j);

    /* what made room may have been the old one itself */

    if (old && old->live && old != e) {
        cigna_journal_drop(b, old);
    }

    b->writing = 0;

    return CIGNA_OK;
}


static cigna_journal_entry_t *
cigna_journal_find(cigna_book_t *b, const cigna_journal_t *j)
{
    uint32_t                i;
    cigna_journal_entry_t  *e;

    for (i = 0; i < b->top; i++) {
        e = cigna_journal_entry(b, i);

        if (e->live
            && memcmp(e->who, j->who.data, CIGNA_NAME_LEN) == 0
            && memcmp(e->id, j->id.data, CIGNA_GRANT_ID_LEN) == 0)
        {
            return e;
        }
    }

    return NULL;
}


/* a deletion is the last word about a grant */

static int
cigna_journal_outdated(const cigna_journal_entry_t *e,
    const cigna_journal_t *j)
{
    if (j->generation == 0) {
        return 0;
    }

    return e->generation == 0 || j->generation < e->generation;
}


/* a free entry, and so many free chunks */

static cigna_journal_entry_t *
cigna_journal_room(cigna_book_t *b, unsigned chunks)
{
    uint32_t                i;
    cigna_journal_entry_t  *e;

    while (b->nfree < chunks || b->entries == b->n) {

        e = cigna_journal_oldest(b);
        if (e == NULL) {
            return NULL;
        }

        cigna_journal_drop(b, e);
    }

    for (i = 0; i < b->top; i++) {
        e = cigna_journal_entry(b, i);

        if (!e->live) {
            return e;
        }
    }

    return cigna_journal_entry(b, i);
}


/* of those that are confirmed */

static cigna_journal_entry_t *
cigna_journal_oldest(cigna_book_t *b)
{
    uint32_t                i;
    cigna_journal_entry_t  *e, *oldest;

    oldest = NULL;

    for (i = 0; i < b->top; i++) {
        e = cigna_journal_entry(b, i);

        if (e->live && e->confirmed_ms
            && (oldest == NULL || e->confirmed_ms < oldest->confirmed_ms))
        {
            oldest = e;
        }
    }

    return oldest;
}


static void
cigna_journal_write(cigna_book_t *b, cigna_journal_entry_t *e,
    const cigna_journal_t *j)
{
    size_t          left, n, from, room;
    uint8_t        *to;
    uint32_t        i, *last;
    cigna_slice_t   part;

    memcpy(e->who, j->who.data, CIGNA_NAME_LEN);
    memcpy(e->id, j->id.data, CIGNA_GRANT_ID_LEN);
    e->generation = j->generation;
    e->connected_ms = j->connected_ms;
    e->until_ms = j->until_ms;
    e->made_ms = j->made_ms;
    e->tenant_len = j->tenant.len;
    e->len = j->tenant.len + j->blob.len;
    e->sum = cigna_journal_sum(e, j->tenant, j->blob);

    last = &e->first;
    part = j->tenant;
    from = 0;

    for (left = e->len; left; /* void */ ) {

        i = b->free;
        b->free = cigna_journal_next(b)[i];
        b->nfree--;

        *last = i;
        last = &cigna_journal_next(b)[i];

        to = cigna_journal_chunk(b, i);

        for (room = CIGNA_JOURNAL_CHUNK; room && left; room -= n, left -= n) {

            if (from == part.len) {
                part = j->blob;
                from = 0;
            }

            n = part.len - from < room ? part.len - from : room;
            memcpy(to, part.data + from, n);
            to += n;
            from += n;
        }
    }

    __atomic_store_n(&e->live, 1, __ATOMIC_RELEASE);

    i = (uint32_t) (e - cigna_journal_entry(b, 0));

    if (i >= b->top) {
        b->top = i + 1;
    }

    b->entries++;
    b->unconfirmed += e->confirmed_ms == 0;
}


static void
cigna_journal_drop(cigna_book_t *b, cigna_journal_entry_t *e)
{
    uint32_t  i, *next;

    __atomic_store_n(&e->live, 0, __ATOMIC_RELEASE);

    b->entries--;
    b->unconfirmed -= e->confirmed_ms == 0;

    next = cigna_journal_next(b);

    for (i = e->first; /* void */ ; i = next[i]) {
        b->nfree++;

        if (e->len <= CIGNA_JOURNAL_CHUNK) {
            break;
        }

        e->len -= CIGNA_JOURNAL_CHUNK;
    }

    next[i] = b->free;
    b->free = e->first;

    while (b->top && !cigna_journal_entry(b, b->top - 1)->live) {
        b->top--;
    }
}


/* of the bytes, if they are given, or of what comes before them */

static uint64_t
cigna_journal_sum(const cigna_journal_entry_t *e, cigna_slice_t tenant,
    cigna_slice_t blob)
{
    uint64_t  sum;

    sum = 0xcbf29ce484222325;
    sum = cigna_journal_mix(sum, &e->len, sizeof(e->len));
    sum = cigna_journal_mix(sum, &e->tenant_len, sizeof(e->tenant_len));
    sum = cigna_journal_mix(sum, e->who, CIGNA_NAME_LEN);
    sum = cigna_journal_mix(sum, e->id, CIGNA_GRANT_ID_LEN);
    sum = cigna_journal_mix(sum, &e->generation, sizeof(e->generation));
    sum = cigna_journal_mix(sum, &e->connected_ms, sizeof(e->connected_ms));
    sum = cigna_journal_mix(sum, &e->until_ms, sizeof(e->until_ms));
    sum = cigna_journal_mix(sum, &e->made_ms, sizeof(e->made_ms));
    sum = cigna_journal_mix(sum, tenant.data, tenant.len);

    return cigna_journal_mix(sum, blob.data, blob.len);
}


/* FNV-1a */

static uint64_t
cigna_journal_mix(uint64_t sum, const void *data, size_t len)
{
    const uint8_t  *p, *end;

    p = data;

    for (end = p + len; p < end; p++) {
        sum = (sum ^ *p) * 0x100000001b3;
    }

    return sum;
}


void
cigna_journal_settle(cigna_book_t *b, const cigna_journal_t *j,
    cigna_journal_e how, int64_t now_ms, int64_t started_ms, int64_t due_ms)
{
    cigna_journal_entry_t  *e;

    e = cigna_journal_find(b, j);

    if (e == NULL || e->generation != j->generation) {
        return;
    }

    if (how == cigna_journal_forgotten) {
        cigna_journal_drop(b, e);
        return;
    }

    e->owner = 0;
    e->claimed = 0;

    if (how == cigna_journal_left) {
        e->due_ms = due_ms;
        e->tries++;
        return;
    }

    e->tries = 0;
    e->due_ms = 0;

    if (started_ms) {
        e->written_ms = started_ms;
    }

    if (e->confirmed_ms == 0) {
        e->confirmed_ms = now_ms;
        b->unconfirmed--;
    }
}


int
cigna_journal_claim(cigna_book_t *b, cigna_journal_look_t *look, uint8_t *mem,
    cigna_journal_t *j, unsigned *tries)
{
    cigna_journal_entry_t  *e;

    while (look->next < b->top) {
        e = cigna_journal_entry(b, look->next);
        look->next++;

        if (!e->live || !cigna_journal_wanted(e, look)) {
            continue;
        }

        if (cigna_journal_read(b, e, mem, j) != CIGNA_OK) {
            cigna_journal_drop(b, e);
            continue;
        }

        e->owner = look->pid;
        e->tried_ms = look->now_ms;
        e->taken_ms = look->until_ms;
        e->claimed = 1;
        *tries = e->tries;

        return CIGNA_OK;
    }

    return CIGNA_NONE;
}


/* a pause after a failure is over as soon as there is a new connection */

static int
cigna_journal_wanted(const cigna_journal_entry_t *e,
    const cigna_journal_look_t *look)
{
    if (cigna_journal_taken(e, look)) {
        return 0;
    }

    if (e->confirmed_ms && e->written_ms > look->rewrite_ms) {
        return 0;
    }

    return e->due_ms <= look->now_ms || e->tried_ms <= look->rewrite_ms;
}


static int
cigna_journal_taken(const cigna_journal_entry_t *e,
    const cigna_journal_look_t *look)
{
    return e->owner != 0 && look->now_ms < e->taken_ms
           && (e->owner == look->pid || look->alive(e->owner));
}


unsigned
cigna_journal_claims(const cigna_book_t *b, const cigna_journal_look_t *look)
{
    uint32_t                      i;
    unsigned                      n;
    const cigna_journal_entry_t  *e;

    n = 0;

    for (i = 0; i < b->top; i++) {
        e = cigna_journal_entry(b, i);

        if (e->live && e->claimed && cigna_journal_taken(e, look)) {
            n++;
        }
    }

    return n;
}


static int
cigna_journal_read(const cigna_book_t *b, const cigna_journal_entry_t *e,
    uint8_t *mem, cigna_journal_t *j)
{
    size_t    left, n;
    uint8_t  *to;
    uint32_t  i;

    if (e->len > CIGNA_JOURNAL_BYTES_MAX || e->tenant_len > e->len) {
        return CIGNA_ERROR;
    }

    memcpy(mem, e->who, CIGNA_NAME_LEN);
    memcpy(mem + CIGNA_NAME_LEN, e->id, CIGNA_GRANT_ID_LEN);

    to = mem + CIGNA_NAME_LEN + CIGNA_GRANT_ID_LEN;

    for (i = e->first, left = e->len; left; left -= n) {

        if (i >= b->n) {
            return CIGNA_ERROR;
        }

        n = left < CIGNA_JOURNAL_CHUNK ? left : CIGNA_JOURNAL_CHUNK;
        memcpy(to, cigna_journal_chunk(b, i), n);
        to += n;

        i = cigna_journal_next(b)[i];
    }

    cigna_journal_head(e, mem, j);

    return cigna_journal_sum(e, j->tenant, j->blob) == e->sum ? CIGNA_OK
                                                              : CIGNA_ERROR;
}


static void
cigna_journal_head(const cigna_journal_entry_t *e, const uint8_t *mem,
    cigna_journal_t *j)
{
    const uint8_t  *id, *bytes;

    id = mem + CIGNA_NAME_LEN;
    bytes = id + CIGNA_GRANT_ID_LEN;

    j->who = cigna_slice_make(mem, id);
    j->id = cigna_slice_make(id, bytes);
    j->generation = e->generation;
    j->connected_ms = e->connected_ms;
    j->until_ms = e->until_ms;
    j->made_ms = e->made_ms;
    j->tenant = cigna_slice_make(bytes, bytes + e->tenant_len);
    j->blob = cigna_slice_make(bytes + e->tenant_len, bytes + e->len);
}


void
cigna_journal_expire(cigna_book_t *b, int64_t now_ms)
{
    uint32_t                i;
    cigna_journal_entry_t  *e;

    for (i = 0; i < b->top; i++) {
        e = cigna_journal_entry(b, i);

        if (e->live && e->confirmed_ms
            && now_ms - e->confirmed_ms > CIGNA_JOURNAL_KEPT_MS)
        {
            cigna_journal_drop(b, e);
        }
    }
}


unsigned
cigna_journal_unconfirmed(const cigna_book_t *b)
{
    return __atomic_load_n(&b->unconfirmed, __ATOMIC_RELAXED);
}


unsigned
cigna_journal_entries(const cigna_book_t *b)
{
    return __atomic_load_n(&b->entries, __ATOMIC_RELAXED);
}
