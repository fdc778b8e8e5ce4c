
#ifndef _CIGNA_METADATA_FETCH_H_INCLUDED_
#define _CIGNA_METADATA_FETCH_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "fhir/cigna_public_metadata.h"
#include "http/cigna_http_reply.h"


/*
 * Fetches a document of the FHIR server's public metadata, once, and makes the
 * text of it that callers get.
 */

typedef enum {
    cigna_metadata_fetch_away = 0,         /* the server did not answer, or is
                                              in trouble */
    cigna_metadata_fetch_kept,             /* "text" may be kept and served */
    cigna_metadata_fetch_passed            /* the server has something else to
                                              say, which callers are to hear
                                              from itself */
} cigna_metadata_fetch_e;


/* how long a document is fresh, in seconds: at least, by default, at most */

#define CIGNA_METADATA_FETCH_FRESH_MIN  60
#define CIGNA_METADATA_FETCH_FRESH      300
#define CIGNA_METADATA_FETCH_FRESH_MAX  3600


typedef struct {
    /* set by the caller, borrowed until the flow is over */
    cigna_public_metadata_e          document;
    cigna_slice_t                    url;
    cigna_slice_t                    lines;   /* of the request's header */
    const cigna_public_endpoint_t   *endpoints;
    unsigned                         n;
    const cigna_bases_t             *bases;   /* NULL: links stay */

    /*
     * Set before the event of the exchange is given: the reply, and an arena of
     * twice cigna_public_metadata_room() bytes of its body.
     */
    const cigna_http_reply_t        *reply;
    cigna_arena_t                   *arena;

    /* results */
    cigna_metadata_fetch_e           rc;
    cigna_slice_t                    text;    /* in the arena, see
                                                 cigna_public_metadata_links()
                                                 */
    unsigned                         fresh_s; /* from now, with jitter */
    char                             detail[192];

    /* private */
    unsigned                         asked:1;
} cigna_metadata_fetch_t;


/* sets results and private fields */
void cigna_metadata_fetch_init(cigna_metadata_fetch_t *f);
void cigna_metadata_fetch_next(cigna_metadata_fetch_t *f,
    const cigna_event_t *ev, cigna_op_t *op);


#endif /* _CIGNA_METADATA_FETCH_H_INCLUDED_ */
