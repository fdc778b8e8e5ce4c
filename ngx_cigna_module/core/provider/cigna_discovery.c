
/*
 * Discovery of the authorization server's endpoints.
 *
 *   start --> fetch --> done
 *              ^ |
 *              | v
 *             sleep          (once: unsent, lost, 429 and 5xx)
 *
 * Invariants, checked by t/fuzz/provider/fuzz_discovery.c:
 *
 *   (1) rc is CIGNA_OK only if a document was parsed that fits the
 *       configuration and names no other issuer or origin than the previous
 *       document, and only if authorization and token endpoint are known;
 *   (2) there are at most two requests;
 *   (3) "refused" is set only if a document was parsed.
 */


#include <string.h>

#include "cigna_discovery.h"
#include "cigna_metadata_fetch.h"


#define CIGNA_DISCOVERY_TRIES     2
#define CIGNA_DISCOVERY_SLEEP_MS  500


typedef enum {
    cigna_discovery_st_start = 0,
    cigna_discovery_st_fetch,
    cigna_discovery_st_sleep,
    cigna_discovery_st_done
} cigna_discovery_state_e;


static int cigna_discovery_fetch(cigna_discovery_t *f, cigna_op_t *op);
static int cigna_discovery_read(cigna_discovery_t *f, const cigna_event_t *ev);
static int cigna_discovery_parse(cigna_discovery_t *f, cigna_slice_t body,
    const char **error);
static int cigna_discovery_suffices(cigna_discovery_t *f);
static int cigna_discovery_failed(cigna_discovery_t *f, const char *text);
static void cigna_discovery_done(cigna_discovery_t *f, cigna_op_t *op, int rc);


void
cigna_discovery_init(cigna_discovery_t *f)
{
    f->rc = CIGNA_ERROR;
    f->moved = 0;
    f->refused = 0;
    memset(&f->metadata, 0, sizeof(cigna_metadata_t));
    f->detail[0] = '\0';
    f->ignored[0] = '\0';
    f->state = cigna_discovery_st_start;
}


void
cigna_discovery_next(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_discovery_t  *f = flow;

    switch ((cigna_discovery_state_e) f->state) {

    case cigna_discovery_st_start:

        f->state = cigna_discovery_st_fetch;

        if (cigna_discovery_fetch(f, op) != CIGNA_OK) {
            cigna_discovery_done(f, op, cigna_discovery_failed(f, "no room"));
        }

        return;

    case cigna_discovery_st_fetch:

        if (cigna_flow_passing(ev)
            && cigna_retry_sleep(&f->retry, op, CIGNA_DISCOVERY_TRIES,
                                 CIGNA_DISCOVERY_SLEEP_MS,
                                 CIGNA_DISCOVERY_SLEEP_MS)
               == CIGNA_OK)
        {
            f->state = cigna_discovery_st_sleep;
            return;
        }

        cigna_discovery_done(f, op, cigna_discovery_read(f, ev));
        return;

    case cigna_discovery_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);
        return;

    case cigna_discovery_st_done:
        break;
    }

    cigna_discovery_done(f, op, f->rc);
}


static int
cigna_discovery_fetch(cigna_discovery_t *f, cigna_op_t *op)
{
    cigna_http_request_t  req = {
        .url = cigna_metadata_fetch_url(f->arena, f->provider,
                                        cigna_public_metadata_configuration)
    };

    if (req.url.len == 0) {
        return CIGNA_ERROR;
    }

    cigna_flow_http(op, &req);
    cigna_retry_init(&f->retry, op, cigna_discovery_st_fetch);

    return CIGNA_OK;
}


static int
cigna_discovery_read(cigna_discovery_t *f, const cigna_event_t *ev)
{
    const char  *error;

    if (ev->type != cigna_ev_ok) {
        return cigna_discovery_failed(f, "no reply");
    }

    if (ev->status < 200 || ev->status > 299) {
        cigna_flow_say_uint(f->detail, sizeof(f->detail), "status",
                            ev->status);

        return CIGNA_ERROR;
    }

    if (cigna_discovery_parse(f, ev->body, &error) != CIGNA_OK) {
        return cigna_discovery_failed(f, error);
    }

    if (f->known && cigna_oauth_metadata_moved(f->known, &f->metadata)) {
        f->moved = 1;
        f->refused = 1;

        return cigna_discovery_failed(f, "the server names other hosts than "
                                      "before");
    }

    /*
     * an endpoint that the document lacks keeps its known URL, so that a later
     * move is noticed
     */

    if (f->known) {
        cigna_oauth_metadata_keep(f->known, &f->metadata);
    }

    return cigna_discovery_suffices(f);
}


static int
cigna_discovery_parse(cigna_discovery_t *f, cigna_slice_t body,
    const char **error)
{
    int          rc;
    cigna_buf_t  notes;

    cigna_buf_init(&notes, (uint8_t *) f->ignored, sizeof(f->ignored) - 1);

    rc = cigna_oauth_metadata_parse(f->provider, body, f->arena, &f->metadata,
                                    &notes, error);

    f->ignored[cigna_buf_slice(&notes).len] = '\0';
    f->refused = rc == CIGNA_ERROR ? 1 : 0;

    return rc;
}


/* a dance needs the authorization endpoint and the token endpoint */

static int
cigna_discovery_suffices(cigna_discovery_t *f)
{
    cigna_provider_t  p;

    cigna_oauth_metadata_apply(&f->metadata, f->provider, &p);

    if (p.authorization_endpoint.len == 0) {
        return cigna_discovery_failed(f, "no \"authorization_endpoint\"");
    }

    if (p.token_endpoint.len == 0) {
        return cigna_discovery_failed(f, "no \"token_endpoint\"");
    }

    return CIGNA_OK;
}


static int
cigna_discovery_failed(cigna_discovery_t *f, const char *text)
{
    cigna_flow_detail(f, text, cigna_slice_null);

    return CIGNA_ERROR;
}


static void
cigna_discovery_done(cigna_discovery_t *f, cigna_op_t *op, int rc)
{
    f->rc = rc;
    f->state = cigna_discovery_st_done;
    cigna_flow_done(op);
}
