
/*
 * The memory of a journal:
 *
 *     +------+-----------------+----------+------------+-----------+
 *     | book | next[n]: chunks | heads[n] | entries[n] | chunks[n] |
 *     +------+-----------------+----------+------------+-----------+
 *
 * The bytes of an entry, tenant and then record, lie in a chain of chunks:
 * next[i] is the number of the chunk that follows chunk i.  The free chunks
 * form a chain, too.
 *
 * heads[] is a hash table.  Its index is the hash of the identity.  Its value
 * is 1 + the number of the first entry with that hash, and "link" in an entry
 * is 1 + the number of the next one.
 *
 * An entry is live while its "live" is set, which happens last when it is
 * written, and first when it is removed.  So when a writer dies, all live
 * entries are whole, and no two of them share a chunk.  A repair rebuilds the
 * list of free chunks, the table and the counts from the live entries.
 * "writing" names the new entry, so the repair finds the entry that the new one
 * replaces.
 * The checksum finds other damage.
 */


#include <string.h>

#include "cigna_journal_entry.h"


#define CIGNA_JOURNAL_FNV   0xcbf29ce484222325  /* FNV-1a's offset basis */

/* the bytes of an entry's head, which has no padding */

#define CIGNA_JOURNAL_HEAD                                                    \
    (offsetof(cigna_journal_entry_t, id) + CIGNA_GRANT_ID_LEN                 \
     - offsetof(cigna_journal_entry_t, len))


static uint32_t *cigna_journal_head_of(const cigna_book_t *b,
    cigna_slice_t identity);
static void cigna_journal_entry_copy(cigna_book_t *b,
    cigna_journal_entry_t *e, const cigna_journal_t *j);
static uint64_t cigna_journal_sum(const cigna_journal_entry_t *e,
    cigna_slice_t tenant, cigna_slice_t blob);
static uint64_t cigna_journal_mix(uint64_t sum, const void *data, size_t len);
static void cigna_journal_head(const cigna_journal_entry_t *e,
    const uint8_t *mem, cigna_journal_t *j);


int
cigna_journal_entry_same(const cigna_journal_entry_t *e, cigna_slice_t identity,
    cigna_slice_t id)
{
    return e->live && cigna_slice_eq(cigna_journal_identity(e), identity)
           && cigna_slice_eq(cigna_journal_id(e), id);
}


cigna_journal_entry_t *
cigna_journal_entry_first(const cigna_book_t *b, cigna_slice_t identity)
{
    uint32_t  i;

    i = *cigna_journal_head_of(b, identity);

    return i ? cigna_journal_entry(b, i - 1) : NULL;
}


cigna_journal_entry_t *
cigna_journal_entry_after(const cigna_book_t *b, const cigna_journal_entry_t *e)
{
    return e->link ? cigna_journal_entry(b, e->link - 1) : NULL;
}


static uint32_t *
cigna_journal_head_of(const cigna_book_t *b, cigna_slice_t identity)
{
    uint64_t  hash;

    hash = cigna_journal_mix(CIGNA_JOURNAL_FNV, identity.data, identity.len);

    return &cigna_journal_heads(b)[hash % b->n];
}


void
cigna_journal_entry_link(cigna_book_t *b, cigna_journal_entry_t *e)
{
    uint32_t  *head;

    head = cigna_journal_head_of(b, cigna_journal_identity(e));

    e->link = *head;
    *head = cigna_journal_number(b, e) + 1;
}


static void
cigna_journal_unlink(cigna_book_t *b, cigna_journal_entry_t *e)
{
    uint32_t  *p;

    p = cigna_journal_head_of(b, cigna_journal_identity(e));

    while (*p != cigna_journal_number(b, e) + 1) {
        p = &cigna_journal_entry(b, *p - 1)->link;
    }

    *p = e->link;
}


int
cigna_journal_entry_whole(cigna_book_t *b, const cigna_journal_entry_t *e)
{
    size_t    left, n;
    uint32_t  i, pass, *next;
    uint64_t  sum;

    next = cigna_journal_links(b);

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


void
cigna_journal_entry_write(cigna_book_t *b, cigna_journal_entry_t *e,
    const cigna_journal_t *j)
{
    uint32_t  i;

    memcpy(e->identity, j->identity.data, CIGNA_NAME_LEN);
    memcpy(e->id, j->id.data, CIGNA_GRANT_ID_LEN);
    e->generation = j->generation;
    e->connected_ms = j->connected_ms;
    e->until_ms = j->until_ms;
    e->made_ms = j->made_ms;
    e->tenant_len = j->tenant.len;
    e->len = j->tenant.len + j->blob.len;
    e->sum = cigna_journal_sum(e, j->tenant, j->blob);

    cigna_journal_entry_copy(b, e, j);

    __atomic_store_n(&e->live, 1, __ATOMIC_RELEASE);

    cigna_journal_entry_link(b, e);

    i = cigna_journal_number(b, e);

    if (i >= b->top) {
        b->top = i + 1;
    }

    b->entries++;
    b->unconfirmed += e->confirmed_ms == 0;
}


/* copies tenant and record to free chunks, which become the entry's */

static void
cigna_journal_entry_copy(cigna_book_t *b, cigna_journal_entry_t *e,
    const cigna_journal_t *j)
{
    size_t          left, n, room;
    uint8_t        *to;
    uint32_t        i, *last;
    cigna_slice_t   part;

    last = &e->first;
    part = j->tenant;

    for (left = e->len; left; /* void */ ) {

        i = b->free;
        b->free = cigna_journal_links(b)[i];
        b->nfree--;

        *last = i;
        last = &cigna_journal_links(b)[i];

        to = cigna_journal_chunk(b, i);

        for (room = CIGNA_JOURNAL_CHUNK; room && left; room -= n, left -= n) {

            if (part.len == 0) {
                part = j->blob;
            }

            n = part.len < room ? part.len : room;
            memcpy(to, part.data, n);
            to += n;
            part = cigna_slice_skip(part, n);
        }
    }
}


void
cigna_journal_entry_drop(cigna_book_t *b, cigna_journal_entry_t *e)
{
    uint32_t  i, *next;

    __atomic_store_n(&e->live, 0, __ATOMIC_RELEASE);

    cigna_journal_unlink(b, e);

    b->entries--;
    b->unconfirmed -= e->confirmed_ms == 0;

    next = cigna_journal_links(b);

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


/* the checksum of an entry's head, and of tenant and blob if they are given */

static uint64_t
cigna_journal_sum(const cigna_journal_entry_t *e, cigna_slice_t tenant,
    cigna_slice_t blob)
{
    uint64_t  sum;

    sum = cigna_journal_mix(CIGNA_JOURNAL_FNV, &e->len, CIGNA_JOURNAL_HEAD);
    sum = cigna_journal_mix(sum, tenant.data, tenant.len);

    return cigna_journal_mix(sum, blob.data, blob.len);
}


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


int
cigna_journal_entry_read(const cigna_book_t *b, const cigna_journal_entry_t *e,
    uint8_t *mem, cigna_journal_t *j)
{
    size_t     left, n;
    uint8_t   *to;
    uint32_t   i;

    if (e->len > CIGNA_JOURNAL_BYTES_MAX || e->tenant_len > e->len) {
        return CIGNA_ERROR;
    }

    memcpy(mem, e->identity, CIGNA_NAME_LEN);
    memcpy(mem + CIGNA_NAME_LEN, e->id, CIGNA_GRANT_ID_LEN);

    to = mem + CIGNA_NAME_LEN + CIGNA_GRANT_ID_LEN;

    for (i = e->first, left = e->len; left; left -= n) {

        if (i >= b->n) {
            return CIGNA_ERROR;
        }

        n = left < CIGNA_JOURNAL_CHUNK ? left : CIGNA_JOURNAL_CHUNK;
        memcpy(to, cigna_journal_chunk(b, i), n);
        to += n;

        i = cigna_journal_links(b)[i];
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

    j->identity = cigna_slice_make(mem, id);
    j->id = cigna_slice_make(id, bytes);
    j->generation = e->generation;
    j->connected_ms = e->connected_ms;
    j->until_ms = e->until_ms;
    j->made_ms = e->made_ms;
    j->tenant = cigna_slice_make(bytes, bytes + e->tenant_len);
    j->blob = cigna_slice_make(bytes + e->tenant_len, bytes + e->len);
}
