
#ifndef _CIGNA_DISCOVERY_H_INCLUDED_
#define _CIGNA_DISCOVERY_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * Fetches .well-known/smart-configuration (SMART App Launch) and compares it
 * with the configuration and with the previous document ("known", NULL the
 * first time).  A document with another issuer, or with endpoints on other
 * origins than the previous one, is refused: the flow fails, "moved" is set,
 * and the known endpoints stay in use.  Known endpoints that the document lacks
 * stay in use, too.
 *
 * With CIGNA_ERROR, "refused" means that the document contradicts the
 * configuration or the known endpoints, or that a URL which a dance needs is
 * malformed.  Then the gateway must not send browsers to the configured
 * endpoints.  Without "refused" there was no document, or a needed endpoint is
 * neither in the document nor configured.
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
    cigna_metadata_t         metadata;     /* borrows from arena and "known" */
    char                     detail[192];  /* for the log, never a secret */
    char                     ignored[512]; /* members of the document that are
                                              ignored, and why; for the log */

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
} cigna_discovery_t;


void cigna_discovery_init(cigna_discovery_t *f);
/* flow: a cigna_discovery_t */
void cigna_discovery_next(void *flow, const cigna_event_t *ev, cigna_op_t *op);


#endif /* _CIGNA_DISCOVERY_H_INCLUDED_ */
