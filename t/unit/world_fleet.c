
#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>

#include "world_fault.h"
#include "world_fleet.h"


/* an entry stays in the journal for this time after Redis has confirmed it */

#define WORLD_KEPT_MS  (60 * 1000)


static void
world_entry_free(world_entry_t *e)
{
    free(e->mem);
    memset(e, 0, sizeof(world_entry_t));
}


static uint8_t *
world_entry_copy(uint8_t *p, cigna_slice_t *s)
{
    if (s->len) {
        memcpy(p, s->data, s->len);
    }

    s->data = p;

    return p + s->len;
}


/*
 * Finds the entry of a grant by identity and grant id.  A journal has at most
 * one generation of a grant.
 */

static world_entry_t *
world_entry_find(world_fleet_t *fleet, unsigned node,
    const cigna_journal_t *entry)
{
    unsigned        i;
    world_entry_t  *e;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        e = world_entry(fleet, node, i);

        if (e && cigna_slice_eq(e->entry.identity, entry->identity)
            && cigna_slice_eq(e->entry.id, entry->id))
        {
            return e;
        }
    }

    return NULL;
}


static world_entry_t *
world_entry_unused(world_fleet_t *fleet, unsigned node)
{
    unsigned  i;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        if (world_entry(fleet, node, i) == NULL) {
            return &fleet->nodes[node].journal[i];
        }
    }

    return NULL;
}


world_entry_t *
world_entry(world_fleet_t *fleet, unsigned node, unsigned n)
{
    world_entry_t  *e;

    e = &fleet->nodes[node].journal[n];

    if (e->mem && e->confirmed
        && *fleet->now_ms - e->since_ms >= WORLD_KEPT_MS) {
        world_entry_free(e);
    }

    return e->mem ? e : NULL;
}


int
world_journal(world_fleet_t *fleet, unsigned node, const cigna_journal_t *entry,
    int confirmed)
{
    uint8_t        *p;
    world_entry_t  *e;

    if (entry->identity.len != CIGNA_NAME_LEN || entry->tenant.len == 0
        || entry->id.len != CIGNA_GRANT_ID_LEN || entry->connected_ms == 0
        || entry->made_ms == 0 || entry->until_ms <= *fleet->now_ms
        || (entry->generation == 0) != (entry->blob.len == 0))
    {
        world_fail("an entry for the journal lacks something");
    }

    if (entry->blob.len && memmem(entry->blob.data, entry->blob.len,
                                  WORLD_MARKER, sizeof(WORLD_MARKER) - 1))
    {
        world_fail("the journal is given a secret in clear");
    }

    e = world_entry_find(fleet, node, entry);

    /*
     * a deletion stays, and so does a newer generation unless a deletion comes
     */

    if (e && (e->entry.generation == 0
              || (entry->generation
                  && e->entry.generation > entry->generation)))
    {
        return CIGNA_OK;
    }

    if (e == NULL) {
        e = fleet->nodes[node].full ? NULL : world_entry_unused(fleet, node);
    }

    if (e == NULL) {
        return CIGNA_ERROR;
    }

    world_entry_free(e);

    e->entry = *entry;
    e->confirmed = confirmed ? 1 : 0;
    e->since_ms = *fleet->now_ms;
    e->mem = malloc(entry->tenant.len + entry->identity.len + entry->id.len
                    + entry->blob.len);

    p = world_entry_copy(e->mem, &e->entry.tenant);
    p = world_entry_copy(p, &e->entry.identity);
    p = world_entry_copy(p, &e->entry.id);
    (void) world_entry_copy(p, &e->entry.blob);

    return CIGNA_OK;
}


void
world_ahead(world_fleet_t *fleet, unsigned node, cigna_verdict_t *v)
{
    int64_t         newest_ms;
    unsigned        i;
    world_entry_t  *e;

    newest_ms = 0;
    v->ahead_id = cigna_slice_null;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        e = world_entry(fleet, node, i);

        if (e == NULL || e->entry.connected_ms <= newest_ms
            || (v->grant && v->grant->id.len
                && !cigna_slice_eq(e->entry.id, v->grant->id)))
        {
            continue;
        }

        newest_ms = e->entry.connected_ms;
        v->ahead_id = e->entry.id;
        v->ahead_generation = e->entry.generation ? e->entry.generation
                                                  : INT64_MAX;
    }
}


void
world_settle(world_fleet_t *fleet, unsigned node, const cigna_journal_t *entry,
    int confirmed)
{
    world_entry_t  *e;

    e = world_entry_find(fleet, node, entry);

    if (e == NULL || e->entry.generation != entry->generation) {
        return;
    }

    if (!confirmed) {
        world_entry_free(e);
        return;
    }

    e->confirmed = 1;
    e->since_ms = *fleet->now_ms;
}


void
world_node_lost(world_fleet_t *fleet, unsigned node)
{
    unsigned  i;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        world_entry_free(&fleet->nodes[node].journal[i]);
    }
}
