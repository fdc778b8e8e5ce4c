
/*
 * the journal's decisions about its entries; cigna_journal_entry.c reads and
 * writes the entries
 */


#include "cigna_journal.h"


static void cigna_journal_reclaim(cigna_book_t *b);
static cigna_journal_entry_t *cigna_journal_find(cigna_book_t *b,
    const cigna_journal_t *j);
static int cigna_journal_outdated(const cigna_journal_entry_t *e,
    const cigna_journal_t *j);
static cigna_journal_entry_t *cigna_journal_room(cigna_book_t *b,
    unsigned chunks);
static cigna_journal_entry_t *cigna_journal_oldest(cigna_book_t *b);
static void cigna_journal_replaced(cigna_book_t *b);
static int cigna_journal_wanted(const cigna_journal_entry_t *e,
    cigna_journal_look_t *look);
static int cigna_journal_taken(const cigna_journal_entry_t *e,
    const cigna_journal_look_t *look);
static int cigna_journal_written(const cigna_journal_entry_t *e,
    int64_t rewrite_ms);
static int cigna_journal_newer(const cigna_journal_entry_t *e,
    const cigna_journal_known_t *known);


cigna_book_t *
cigna_journal_open(void *mem, size_t size)
{
    uint32_t       i, n;
    cigna_book_t  *b = mem;

    if (size < sizeof(cigna_book_t) + 2 * CIGNA_JOURNAL_SLOT) {
        return NULL;
    }

    if (b->n) {
        return b;
    }

    n = (size - sizeof(cigna_book_t)) / CIGNA_JOURNAL_SLOT;

    b->nfree = n;

    for (i = 0; i < n; i++) {
        cigna_journal_links(b)[i] = i + 1;
    }

    b->n = n;

    return b;
}


void
cigna_journal_repair(cigna_book_t *b)
{
    uint32_t                i, *next;
    cigna_journal_entry_t  *e;

    next = cigna_journal_links(b);

    for (i = 0; i < b->n; i++) {
        next[i] &= ~CIGNA_JOURNAL_USED;
        cigna_journal_heads(b)[i] = 0;
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

        if (!cigna_journal_entry_whole(b, e)) {
            e->live = 0;
            continue;
        }

        cigna_journal_entry_link(b, e);

        b->top = i + 1;
        b->entries++;
        b->unconfirmed += e->confirmed_ms == 0;
    }

    cigna_journal_reclaim(b);
}


/* makes a new list of free chunks: the chunks that no live entry has marked */

static void
cigna_journal_reclaim(cigna_book_t *b)
{
    uint32_t  i, *next;

    next = cigna_journal_links(b);

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
            && cigna_journal_entry_same(other, cigna_journal_identity(e),
                                  cigna_journal_id(e)))
        {
            other->live = 0;
        }
    }

    b->writing = 0;
}


int
cigna_journal_put(cigna_book_t *b, const cigna_journal_t *j, int confirmed,
    int32_t pid, int64_t now_ms, int64_t until_ms)
{
    size_t                  len;
    cigna_journal_entry_t  *e, *old;

    len = j->tenant.len + j->blob.len;

    if (len == 0 || len > CIGNA_JOURNAL_BYTES_MAX
        || j->identity.len != CIGNA_NAME_LEN || j->id.len != CIGNA_GRANT_ID_LEN)
    {
        return CIGNA_NONE;
    }

    old = cigna_journal_find(b, j);

    if (old && cigna_journal_outdated(old, j)) {
        return CIGNA_ERROR;
    }

    cigna_journal_expire(b, now_ms);

    e = cigna_journal_room(b, (len + CIGNA_JOURNAL_CHUNK - 1)
                              / CIGNA_JOURNAL_CHUNK);
    if (e == NULL) {
        return CIGNA_NONE;
    }

    *e = (cigna_journal_entry_t) {
        .confirmed_ms = confirmed ? now_ms : 0, .written_ms = now_ms,
        .tried_ms = now_ms, .claimed_ms = until_ms,
        .owner = confirmed ? 0 : pid
    };

    if (confirmed) {
        e->written_ms = now_ms > CIGNA_JOURNAL_LATE_MS
                        ? now_ms - CIGNA_JOURNAL_LATE_MS : 1;
    }

    b->writing = cigna_journal_number(b, e) + 1;

    cigna_journal_entry_write(b, e, j);

    /* the old entry may have gone already, to make room */

    if (old && old->live && old != e) {
        cigna_journal_entry_drop(b, old);
    }

    b->writing = 0;

    return CIGNA_OK;
}


static cigna_journal_entry_t *
cigna_journal_find(cigna_book_t *b, const cigna_journal_t *j)
{
    cigna_journal_entry_t  *e;

    e = cigna_journal_entry_first(b, j->identity);

    while (e && !cigna_journal_entry_same(e, j->identity, j->id)) {
        e = cigna_journal_entry_after(b, e);
    }

    return e;
}


/* 1 if e is newer than j; no generation is newer than its grant's deletion */

static int
cigna_journal_outdated(const cigna_journal_entry_t *e,
    const cigna_journal_t *j)
{
    if (j->generation == 0) {
        return 0;
    }

    return e->generation == 0 || j->generation < e->generation;
}


/*
 * Returns an unused entry when at least "chunks" chunks are free.  Until then
 * it drops confirmed entries.  NULL: no confirmed entry is left to drop.
 */

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

        cigna_journal_entry_drop(b, e);
    }

    for (i = 0; i < b->top; i++) {
        e = cigna_journal_entry(b, i);

        if (!e->live) {
            return e;
        }
    }

    return cigna_journal_entry(b, i);
}


/* the entry that was confirmed first; or NULL */

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


void
cigna_journal_settle(cigna_book_t *b, const cigna_journal_t *j,
    cigna_journal_e how, int64_t now_ms, int64_t due_ms)
{
    cigna_journal_entry_t  *e;

    e = cigna_journal_find(b, j);

    if (e == NULL || e->generation != j->generation) {
        return;
    }

    if (how == cigna_journal_forgotten) {
        cigna_journal_entry_drop(b, e);
        return;
    }

    if (e->claimed && how == cigna_journal_confirmed) {
        e->written_ms = e->tried_ms;
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

    if (e->confirmed_ms == 0) {
        e->confirmed_ms = now_ms;
        b->unconfirmed--;
    }
}


int
cigna_journal_claim(cigna_book_t *b, cigna_journal_look_t *look, uint8_t *mem,
    cigna_journal_t *j)
{
    cigna_journal_entry_t  *e;

    while (look->next < b->top) {
        e = cigna_journal_entry(b, look->next);
        look->next++;

        if (!e->live || (!look->peek && !cigna_journal_wanted(e, look))) {
            continue;
        }

        if (cigna_journal_entry_read(b, e, mem, j) != CIGNA_OK) {
            cigna_journal_entry_drop(b, e);
            continue;
        }

        look->tries = e->tries;
        look->confirmed = e->confirmed_ms != 0;

        if (!look->peek) {
            e->owner = look->pid;
            e->tried_ms = look->now_ms;
            e->claimed_ms = look->until_ms;
            e->claimed = 1;
        }

        return CIGNA_OK;
    }

    return CIGNA_NONE;
}


/*
 * 1 if the entry must be written to Redis now.  An entry that was last tried
 * before a new connection does not wait for due_ms.  If the entry must be
 * written, but not now, sets look->waiting.
 */

static int
cigna_journal_wanted(const cigna_journal_entry_t *e,
    cigna_journal_look_t *look)
{
    if (cigna_journal_written(e, look->rewrite_ms)) {
        return 0;
    }

    if (!cigna_journal_taken(e, look)
        && (e->due_ms <= look->now_ms || e->tried_ms <= look->rewrite_ms))
    {
        return 1;
    }

    look->waiting = 1;

    return 0;
}


/* 1 if Redis has confirmed a write of the entry that began after rewrite_ms */

static int
cigna_journal_written(const cigna_journal_entry_t *e, int64_t rewrite_ms)
{
    return e->confirmed_ms && e->written_ms > rewrite_ms;
}


static int
cigna_journal_taken(const cigna_journal_entry_t *e,
    const cigna_journal_look_t *look)
{
    return e->owner != 0 && look->now_ms < e->claimed_ms
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


int
cigna_journal_ahead(cigna_book_t *b, const cigna_journal_known_t *known,
    uint8_t *mem, cigna_journal_t *j)
{
    cigna_journal_entry_t  *e, *newest;

    newest = NULL;

    for (e = cigna_journal_entry_first(b, known->identity); e;
         e = cigna_journal_entry_after(b, e))
    {
        if (cigna_slice_eq(cigna_journal_identity(e), known->identity)
            && cigna_journal_newer(e, known)
            && (newest == NULL || newest->connected_ms < e->connected_ms))
        {
            newest = e;
        }
    }

    if (newest == NULL) {
        return CIGNA_NONE;
    }

    if (cigna_journal_entry_read(b, newest, mem, j) != CIGNA_OK) {
        cigna_journal_entry_drop(b, newest);
        return CIGNA_NONE;
    }

    return cigna_slice_eq(j->tenant, known->tenant) ? CIGNA_OK : CIGNA_NONE;
}


static int
cigna_journal_newer(const cigna_journal_entry_t *e,
    const cigna_journal_known_t *known)
{
    if (known->now_ms >= e->until_ms) {
        return 0;
    }

    if (known->id.len == 0) {
        return 1;
    }

    return cigna_slice_eq(cigna_journal_id(e), known->id)
           && (e->generation == 0
               || e->generation + known->spent > known->generation);
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
            cigna_journal_entry_drop(b, e);
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
