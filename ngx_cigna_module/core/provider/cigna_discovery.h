
#ifndef _CIGNA_DISCOVERY_H_INCLUDED_
#define _CIGNA_DISCOVERY_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * Fetches .well-known/smart-configuration and holds it against what is
 * configured and against what was known before ("known", NULL the first
 * time).  A changed host is refused: the flow fails, "moved" is set, and what
 * was known goes on being used.  So does what the document leaves out.
 *
 * "refused" is set beside CIGNA_ERROR if a document was read that contradicts
 * what is configured or known: nobody may be sent anywhere on the strength of
 * the configuration alone then.  Without it there was just nothing to read.
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
    char                     detail[192];
    char                     ignored[512]; /* members passed over, and why */

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
} cigna_discovery_t;


void cigna_discovery_init(cigna_discovery_t *f);
void cigna_discovery_next(cigna_discovery_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DISCOVERY_H_INCLUDED_ */
