
#ifndef _CIGNA_METADATA_FETCH_H_INCLUDED_
#define _CIGNA_METADATA_FETCH_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "fhir/cigna_public_metadata.h"
#include "http/cigna_http_reply.h"


/*
 * Fetches a document of the FHIR server's public metadata once, and makes the
 * text that the gateway serves.
 */

typedef enum {
    cigna_metadata_fetch_away = 0,         /* no reply, or a failure that may
                                              pass: 429, 5xx */
    cigna_metadata_fetch_kept,             /* "text" may be kept and served */
    cigna_metadata_fetch_passed            /* the reply cannot be kept, so
                                              nginx proxies requests for the
                                              document */
} cigna_metadata_fetch_e;


/*
 * seconds for which a document is fresh: minimum, default and maximum; a random
 * part, up to a tenth, is subtracted
 */

#define CIGNA_METADATA_FETCH_FRESH_MIN  60
#define CIGNA_METADATA_FETCH_FRESH      300
#define CIGNA_METADATA_FETCH_FRESH_MAX  3600


typedef struct {
    /* set by the caller; the flow borrows all pointers until its end */
    cigna_public_metadata_e          document;
    cigna_slice_t                    url;
    cigna_slice_t                    lines;   /* header lines to send */
    const cigna_public_endpoint_t   *endpoints;
    unsigned                         n;
    const cigna_bases_t             *bases;   /* NULL: links stay */

    /*
     * Set by the caller before it passes the event with the reply.  The arena
     * must have twice the bytes that cigna_public_metadata_room() returns for
     * the reply's body.
     */
    const cigna_http_reply_t        *reply;
    cigna_arena_t                   *arena;

    /* results */
    cigna_metadata_fetch_e           rc;
    cigna_slice_t                    text;    /* the text to serve, in the
                                                 arena */
    unsigned                         fresh_s; /* how long text stays fresh */
    char                             detail[192]; /* reason for the log */

    /* private */
    unsigned                         asked:1;
} cigna_metadata_fetch_t;


/*
 * Makes the URL of a document, below fhir_base, in the arena.  Empty: there is
 * no fhir_base, or no room.
 */
cigna_slice_t cigna_metadata_fetch_url(cigna_arena_t *arena,
    const cigna_provider_t *p, cigna_public_metadata_e document);

/* sets the members under "results" and "private" */
void cigna_metadata_fetch_init(cigna_metadata_fetch_t *f);
void cigna_metadata_fetch_next(cigna_metadata_fetch_t *f,
    const cigna_event_t *ev, cigna_op_t *op);


#endif /* _CIGNA_METADATA_FETCH_H_INCLUDED_ */
