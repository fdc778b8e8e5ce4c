
#ifndef _WORLD_FLEET_H_INCLUDED_
#define _WORLD_FLEET_H_INCLUDED_


#include "refresh/cigna_verdict.h"
#include "flow/cigna_flow.h"


/* the gateway's nodes, on which workers come and go, each with a journal */

#define WORLD_NODES    3
#define WORLD_JOURNAL  16


typedef struct {
    cigna_journal_t   entry;               /* its bytes are in mem */
    uint8_t          *mem;
    int64_t           since_ms;            /* when it was made or confirmed */
    unsigned          confirmed:1;
} world_entry_t;


typedef struct {
    world_entry_t     journal[WORLD_JOURNAL];
    unsigned          full:1;              /* takes no new entry */
} world_node_t;


typedef struct {
    const int64_t    *now_ms;              /* of the world */
    world_node_t      nodes[WORLD_NODES];
    int64_t           quiet_until_ms;      /* no refresh starts before */
    cigna_endpoint_t  endpoint;            /* as all nodes know it */
    unsigned          no_turn:1;           /* no refresh may use it now */
} world_fleet_t;


/* enters a write into a node's journal; CIGNA_ERROR if it is full */
int world_journal(world_fleet_t *fleet, unsigned node,
    const cigna_journal_t *entry, int confirmed);

/* confirms the entry, or removes it */
void world_settle(world_fleet_t *fleet, unsigned node,
    const cigna_journal_t *entry, int confirmed);

/* entry n; NULL if there is none, or if its minute is over */
world_entry_t *world_entry(world_fleet_t *fleet, unsigned node, unsigned n);

/* sets ahead_* to what the node's journal has of the verdict's grant */
void world_ahead(world_fleet_t *fleet, unsigned node, cigna_verdict_t *v);

/* the node loses its memory */
void world_node_lost(world_fleet_t *fleet, unsigned node);


#endif /* _WORLD_FLEET_H_INCLUDED_ */
