
/*
 * Revocation of one token.
 *
 *              +--+ (the other one of two secrets)
 *              v  |
 *   start --> send --> done
 *      |       ^ |
 *      v       | v
 *      +----> sleep --> done
 *
 * Pauses double from a second to a minute, or last as long as Retry-After says.
 * They are random within bounds, so that requests that failed together are not
 * repeated together.  All pauses together take at most ten minutes.  It is
 * harmless to revoke a token twice, so a request that was sent without a reply
 * is repeated, too.
 *
 * Invariants, checked by t/fuzz/provider/fuzz_revocation.c:
 *
 *   (1) all pauses together are at most CIGNA_REVOCATION_MS, and an exiting
 *       worker does not wait for their end;
 *   (2) rc is "ok" only after a reply with status 200 that is not an HTML page;
 *   (3) a refusal (4xx without 429) ends the flow, as a repetition would be
 *       refused, too; if the server refuses a client with two secrets
 *       (cigna_client_secret.c), the flow ends only after both were refused;
 *   (4) each request is the revocation of the token.
 */


#include <stdio.h>
#include <string.h>

#include "cigna_revocation.h"


#define CIGNA_REVOCATION_FIRST_MS  1000
#define CIGNA_REVOCATION_MAX_MS    (60 * 1000)

/*
 * room for the names of the parameters of one request, and for the text of a
 * refusal
 */

#define CIGNA_REVOCATION_ROOM      1024


typedef enum {
    cigna_revocation_st_start = 0,
    cigna_revocation_st_send,
    cigna_revocation_st_sleep,
    cigna_revocation_st_done
} cigna_revocation_state_e;


static void cigna_revocation_send(cigna_revocation_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_revocation_sent(cigna_revocation_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_revocation_page(cigna_slice_t body);
static void cigna_revocation_refuse(cigna_revocation_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_revocation_pause(cigna_revocation_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_revocation_end(cigna_revocation_t *f, cigna_op_t *op,
    cigna_revocation_e rc);
static void cigna_revocation_status(cigna_revocation_t *f, unsigned status);


/*
 * A byte takes at most three bytes in a form, and twelve in form-encoded Basic
 * credentials.  The flow may send two requests, each with another secret.
 */

size_t
cigna_revocation_room(const cigna_provider_t *p, cigna_slice_t token)
{
    return 7 * token.len
           + 12 * (2 * p->client_id.len + p->client_secret.len
                   + p->older_secret.len)
           + 2 * CIGNA_REVOCATION_ROOM;
}


void
cigna_revocation_init(cigna_revocation_t *f)
{
    f->rc = cigna_revocation_none;
    f->tries = 0;
    f->detail[0] = '\0';
    cigna_client_secret_init(&f->secret);

    f->state = cigna_revocation_st_start;
    f->pauses = 0;
    f->slept_ms = 0;
    memset(&f->req, 0, sizeof(cigna_http_request_t));
}


void
cigna_revocation_next(cigna_revocation_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_revocation_state_e) f->state) {

    case cigna_revocation_st_start:
    case cigna_revocation_st_sleep:

        cigna_revocation_send(f, ev, op);
        return;

    case cigna_revocation_st_send:

        cigna_revocation_sent(f, ev, op);
        return;

    case cigna_revocation_st_done:
        break;
    }

    cigna_flow_done(op);
}


static void
cigna_revocation_send(cigna_revocation_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (f->provider->revocation_endpoint.len == 0) {

        if (f->known) {
            cigna_revocation_end(f, op, cigna_revocation_unsupported);
            return;
        }

        cigna_flow_detail(f, "the endpoint is not known", cigna_slice_null);
        cigna_revocation_pause(f, ev, op);
        return;
    }

    if (f->req.body.len == 0
        && cigna_oauth_revoke_request(f->provider,
                                      cigna_client_secret(&f->secret,
                                                          f->provider),
                                      f->token,
                                      f->refresh_token ? "refresh_token"
                                                       : "access_token",
                                      f->arena, &f->req)
           != CIGNA_OK)
    {
        cigna_revocation_end(f, op, cigna_revocation_no_room);
        return;
    }

    /* the endpoint may have changed during a pause */

    f->req.url = f->provider->revocation_endpoint;

    f->tries++;
    f->state = cigna_revocation_st_send;
    cigna_flow_http(op, &f->req);
}


static void
cigna_revocation_sent(cigna_revocation_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->type != cigna_ev_ok) {
        cigna_flow_detail(f, ev->type == cigna_ev_lost
                             ? "no reply" : "it cannot be reached",
                          cigna_slice_null);

    } else if (ev->status == 200 && !cigna_revocation_page(ev->body)) {

        /*
         * after a refusal of the first secret this request had the other
         * secret, which has now proved right
         */

        if (f->secret.turned) {
            cigna_client_secret_works(&f->secret, f->provider);
        }

        cigna_revocation_end(f, op, cigna_revocation_ok);
        return;

    } else if (ev->status >= 400 && ev->status < 500 && ev->status != 429) {
        cigna_revocation_refuse(f, ev, op);
        return;

    } else if (ev->status == 200) {
        cigna_flow_detail(f, "it answers with a page", cigna_slice_null);

    } else {
        cigna_revocation_status(f, ev->status);
    }

    cigna_revocation_pause(f, ev, op);
}


/*
 * 1 if the body is an HTML page.  Status 200 means success and the body means
 * nothing (RFC 7009, section 2.2).  But some servers answer a request that they
 * do not understand with a login page and status 200.
 */

static int
cigna_revocation_page(cigna_slice_t body)
{
    size_t  i;

    for (i = 0; i < body.len && body.data[i] <= ' '; i++) {
        /* void */
    }

    return i < body.len && body.data[i] == '<';
}


static void
cigna_revocation_refuse(cigna_revocation_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_token_e        e;
    cigna_token_reply_t  reply;

    e = cigna_oauth_token_reply(ev->status, ev->body, f->arena, &reply);

    if (cigna_client_secret_again(&f->secret, f->provider, ev->status, e,
                                  &reply))
    {
        f->req.body = cigna_slice_null;
        cigna_revocation_send(f, ev, op);
        return;
    }

    if (reply.error.len) {
        cigna_flow_detail(f, "it says", reply.error);

    } else {
        cigna_revocation_status(f, ev->status);
    }

    cigna_revocation_end(f, op, cigna_revocation_refused);
}


/*
 * the last pause ends when all pauses together have taken ten minutes; a last
 * request follows
 */

static void
cigna_revocation_pause(cigna_revocation_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    unsigned  ms, left;

    left = CIGNA_REVOCATION_MS - f->slept_ms;

    if (left == 0) {
        cigna_revocation_end(f, op, cigna_revocation_unreachable);
        return;
    }

    ms = CIGNA_REVOCATION_FIRST_MS << (f->pauses < 6 ? f->pauses : 6);
    ms = ms < CIGNA_REVOCATION_MAX_MS ? ms : CIGNA_REVOCATION_MAX_MS;
    ms = cigna_flow_jitter(ev, ms / 2, ms);

    if (ev->retry_after_s > ms / 1000) {
        ms = ev->retry_after_s < left / 1000
             ? (unsigned) ev->retry_after_s * 1000 + ms % 1000 : left;
    }

    ms = ms < left ? ms : left;

    f->pauses++;
    f->slept_ms += ms;

    f->state = cigna_revocation_st_sleep;
    cigna_flow_sleep(op, ms);
    op->sleep.idle = 1;
}


static void
cigna_revocation_end(cigna_revocation_t *f, cigna_op_t *op,
    cigna_revocation_e rc)
{
    f->rc = rc;
    f->state = cigna_revocation_st_done;
    cigna_flow_done(op);
}


static void
cigna_revocation_status(cigna_revocation_t *f, unsigned status)
{
    (void) snprintf(f->detail, sizeof(f->detail), "it answers with status %u",
                    status);
}


const char *
cigna_revocation_name(cigna_revocation_e rc)
{
    static const char  *names[] = {
        "given_up", "revoked", "unsupported", "refused", "unreachable",
        "no_room"
    };

    return names[rc];
}
