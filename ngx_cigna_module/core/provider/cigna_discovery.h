
#ifndef _CIGNA_DISCOVERY_H_INCLUDED_
#define _CIGNA_DISCOVERY_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * Fetches .well-known/smart-configuration (SMART App Launch) and compares it
 * with the configuration and with the document before ("known", NULL the first
 * time).  A document that names another host than before is refused: the flow
 * fails, "moved" is set, and the known endpoints stay in use.  Known endpoints
 * that the document leaves out stay in use, too.
 *
 * With CIGNA_ERROR, "refused" means that the document contradicts the
 * configuration or the known endpoints.  Then no browser may be sent to the
 * configured endpoints, either.  Otherwise there was no document.
 */

typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_provider_t  *provider;
    const cigna_metadata_t  *known;
    cigna_arena_t           *arena;

    /* results */
    int                      rc;           /* CIGNA_OK or CIGNA_ERROR */
    unsigned                 moved:1;
    unsigned                 refused:1;
    cigna_metadata_t         metadata;     /* in the arena, or of "known" */
    char                     detail[192];  /* for the log, never a secret */
    char                     ignored[512]; /* members that are ignored, and
                                              why */

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
} cigna_discovery_t;


void cigna_discovery_init(cigna_discovery_t *f);
void cigna_discovery_next(cigna_discovery_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DISCOVERY_H_INCLUDED_ */
