
#ifndef _WORLD_FLEET_H_INCLUDED_
#define _WORLD_FLEET_H_INCLUDED_


#include "refresh/cigna_verdict.h"
#include "flow/cigna_flow.h"


/*
 * the gateway's nodes, each with a journal, which outlives the node's workers
 */

#define WORLD_NODES    3
#define WORLD_JOURNAL  16


typedef struct {
    cigna_journal_t   entry;               /* its bytes are in mem */
    uint8_t          *mem;                 /* NULL: there is no entry */
    int64_t           since_ms;            /* when the entry was made, or was
                                              confirmed */
    unsigned          confirmed:1;         /* Redis has the entry */
} world_entry_t;


typedef struct {
    world_entry_t     journal[WORLD_JOURNAL];
    unsigned          full:1;              /* the journal takes no new entry */
} world_node_t;


typedef struct {
    const int64_t    *now_ms;              /* the world's clock */
    world_node_t      nodes[WORLD_NODES];
    int64_t           quiet_until_ms;      /* no refresh starts earlier */
    cigna_endpoint_t  endpoint;            /* the token endpoint, as all nodes
                                              know it */
    unsigned          no_turn:1;           /* no refresh may use the token
                                              endpoint now */
} world_fleet_t;


/*
 * Copies an entry into a node's journal.  confirmed: 1 if Redis has the entry.
 * CIGNA_ERROR if the journal is full.
 */
int world_journal(world_fleet_t *fleet, unsigned node,
    const cigna_journal_t *entry, int confirmed);

/*
 * notes that Redis has the entry (confirmed: 1), or removes the entry (0), if
 * the journal still has this generation of the grant
 */
void world_settle(world_fleet_t *fleet, unsigned node,
    const cigna_journal_t *entry, int confirmed);

/* entry n; NULL if there is none, or Redis has had it for a minute */
world_entry_t *world_entry(world_fleet_t *fleet, unsigned node, unsigned n);

/*
 * Sets ahead_id and ahead_generation of the verdict to those of the journal's
 * entry for the grant that the flow has read, or for the grant of the newest
 * dance if it has read none.  A deletion counts as the highest generation.
 */
void world_ahead(world_fleet_t *fleet, unsigned node, cigna_verdict_t *v);

/* the node dies, and its journal with it */
void world_node_lost(world_fleet_t *fleet, unsigned node);


#endif /* _WORLD_FLEET_H_INCLUDED_ */
