
#include <stdlib.h>
#include <string.h>

#include "cigna_roster.h"


#define CIGNA_ROSTER_NOWHERE  UINT32_MAX


/* a row that may be given to another name */

typedef struct {
    uint64_t               generation;
    uint32_t               row;
} cigna_roster_spare_t;


/*
 * an index of the rows by a hash of their names, made anew in each call of
 * cigna_roster_open()
 */

typedef struct {
    cigna_roster_entry_t  *entries;
    unsigned               n;

    uint32_t               mask;
    uint32_t              *heads;          /* has mask + 1 elements */
    uint32_t              *next;           /* has n elements */
    uint8_t               *claimed;        /* has n elements: 1 if the new
                                              configuration has the row's
                                              present name */
    cigna_roster_spare_t  *spares;         /* has n elements */
} cigna_roster_t;


static int cigna_roster_open(cigna_roster_t *r, cigna_roster_entry_t *entries,
    unsigned n);
static void cigna_roster_close(cigna_roster_t *r);
static unsigned cigna_roster_known(cigna_roster_t *r,
    cigna_roster_claim_t *claims, unsigned nclaims);
static uint32_t cigna_roster_find(const cigna_roster_t *r,
    cigna_slice_t name);
static unsigned cigna_roster_spare(cigna_roster_t *r, uint64_t oldest);
static int cigna_roster_longer(const void *a, const void *b);
static void cigna_roster_give(cigna_roster_t *r, cigna_roster_claim_t *claims,
    unsigned nclaims, uint64_t generation);
static uint32_t cigna_roster_hash(cigna_slice_t name);
static cigna_slice_t cigna_roster_name(const cigna_roster_entry_t *e);


int
cigna_roster_claim(cigna_roster_entry_t *entries, unsigned n,
    cigna_roster_claim_t *claims, unsigned nclaims, uint64_t generation,
    uint64_t oldest)
{
    unsigned        missing;
    cigna_roster_t  r;

    if (cigna_roster_open(&r, entries, n) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    missing = cigna_roster_known(&r, claims, nclaims);

    if (missing > cigna_roster_spare(&r, oldest)) {
        cigna_roster_close(&r);
        return CIGNA_NONE;
    }

    cigna_roster_give(&r, claims, nclaims, generation);
    cigna_roster_close(&r);

    return CIGNA_OK;
}


static int
cigna_roster_open(cigna_roster_t *r, cigna_roster_entry_t *entries,
    unsigned n)
{
    unsigned   i;
    uint32_t  *head;

    r->entries = entries;
    r->n = n;
    r->mask = 1;

    while (r->mask < n) {
        r->mask = 2 * r->mask + 1;
    }

    r->heads = malloc((r->mask + 1) * sizeof(uint32_t));
    r->next = malloc(n * sizeof(uint32_t));
    r->claimed = calloc(n, 1);
    r->spares = malloc(n * sizeof(cigna_roster_spare_t));

    if (r->heads == NULL || r->next == NULL || r->claimed == NULL
        || r->spares == NULL)
    {
        cigna_roster_close(r);
        return CIGNA_ERROR;
    }

    memset(r->heads, 0xff, (r->mask + 1) * sizeof(uint32_t));

    for (i = 0; i < n; i++) {

        if (entries[i].generation == 0) {
            continue;
        }

        head = &r->heads[cigna_roster_hash(cigna_roster_name(&entries[i]))
                         & r->mask];
        r->next[i] = *head;
        *head = i;
    }

    return CIGNA_OK;
}


static void
cigna_roster_close(cigna_roster_t *r)
{
    free(r->heads);
    free(r->next);
    free(r->claimed);
    free(r->spares);
}


/* sets the row of each claim whose name has one; returns how many have none */

static unsigned
cigna_roster_known(cigna_roster_t *r, cigna_roster_claim_t *claims,
    unsigned nclaims)
{
    unsigned  i, missing;

    missing = 0;

    for (i = 0; i < nclaims; i++) {
        claims[i].row = cigna_roster_find(r, claims[i].name);
        claims[i].taken = 0;

        if (claims[i].row == CIGNA_ROSTER_NOWHERE) {
            missing++;

        } else {
            r->claimed[claims[i].row] = 1;
        }
    }

    return missing;
}


static uint32_t
cigna_roster_find(const cigna_roster_t *r, cigna_slice_t name)
{
    uint32_t  row;

    row = r->heads[cigna_roster_hash(name) & r->mask];

    while (row != CIGNA_ROSTER_NOWHERE
           && !cigna_slice_eq(cigna_roster_name(&r->entries[row]), name))
    {
        row = r->next[row];
    }

    return row;
}


/*
 * finds the spare rows, sorts them by how long their names have been gone (the
 * longest first), and returns their number
 */

static unsigned
cigna_roster_spare(cigna_roster_t *r, uint64_t oldest)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < r->n; i++) {

        if (r->claimed[i]
            || (r->entries[i].generation
                && r->entries[i].generation >= oldest))
        {
            continue;
        }

        r->spares[n].generation = r->entries[i].generation;
        r->spares[n].row = i;
        n++;
    }

    qsort(r->spares, n, sizeof(cigna_roster_spare_t), cigna_roster_longer);

    return n;
}


static int
cigna_roster_longer(const void *a, const void *b)
{
    const cigna_roster_spare_t *x = a;
    const cigna_roster_spare_t *y = b;

    if (x->generation != y->generation) {
        return x->generation < y->generation ? -1 : 1;
    }

    return x->row < y->row ? -1 : 1;
}


static void
cigna_roster_give(cigna_roster_t *r, cigna_roster_claim_t *claims,
    unsigned nclaims, uint64_t generation)
{
    unsigned               i, n;
    cigna_roster_entry_t  *e;

    n = 0;

    for (i = 0; i < nclaims; i++) {

        if (claims[i].row == CIGNA_ROSTER_NOWHERE) {
            claims[i].row = r->spares[n++].row;
            e = &r->entries[claims[i].row];

            claims[i].taken = (e->generation != 0);

            memcpy(e->name, claims[i].name.data, claims[i].name.len);
            e->len = claims[i].name.len;
        }

        r->entries[claims[i].row].generation = generation;
    }
}


/* FNV-1a is enough: only the operator chooses names */

static uint32_t
cigna_roster_hash(cigna_slice_t name)
{
    size_t    i;
    uint32_t  h;

    h = UINT32_C(2166136261);

    for (i = 0; i < name.len; i++) {
        h = (h ^ name.data[i]) * UINT32_C(16777619);
    }

    return h;
}


static cigna_slice_t
cigna_roster_name(const cigna_roster_entry_t *e)
{
    return (cigna_slice_t) { e->name, e->len };
}
