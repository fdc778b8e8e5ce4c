
/*
 * What a refresh makes of the reply to its exchange, and of what Redis says to
 * that.  The states are those of cigna_refresh.c.
 */


#include <string.h>

#include "cigna_refresh_flow.h"


#define CIGNA_REFRESH_SPENT_MS      (30 * 24 * 3600 * (uint64_t) 1000)


static void cigna_refresh_tokens(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_refresh_same(const cigna_grant_t *a, const cigna_grant_t *b);
static void cigna_refresh_mark_spent(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_refresh_overtaken(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op, const cigna_grant_t *there);


void
cigna_refresh_exchanged(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_token_e           e;
    const cigna_subject_t  *s;

    s = f->subject;

    if (ev->type == cigna_ev_lost) {
        f->answer = cigna_answer_lost;
        f->end = cigna_lease_keep;
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the token endpoint took the refresh token and "
                              "did not answer");
        return;
    }

    if (ev->type == cigna_ev_unsent) {
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the token endpoint cannot be reached");
        return;
    }

    e = cigna_oauth_token_reply(ev->status, ev->body, s->arena, &f->tokens);

    if (e == cigna_token_ok) {
        cigna_client_secret_works(&f->secret, s->provider);
        cigna_refresh_tokens(f, ev, op);
        return;
    }

    if (cigna_client_secret_refused(ev->status, e, &f->tokens)) {

        if (cigna_client_secret_turn(&f->secret, s->provider)) {
            cigna_refresh_lease(f, ev, op);
            return;
        }

        f->client_refused = 1;
    }

    if (e == cigna_token_invalid_grant) {
        f->answer = cigna_verdict_explains(&f->verdict)
                    ? cigna_answer_explained : cigna_answer_refused;
        cigna_refresh_read(f, op, cigna_refresh_st_check);
        return;
    }

    /* also our own fault, such as invalid_client, is not the member's */

    f->answer = cigna_answer_failed;
    f->end = ev->status / 100 == 2 ? cigna_lease_keep : cigna_lease_clear;

    cigna_flow_say(f->detail, sizeof(f->detail), cigna_token_name(e),
                   f->tokens.error.len ? f->tokens.error
                                       : cigna_slice_str(f->tokens.shape));
    f->retry_after_s = ev->retry_after_s;
    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable, NULL);
}


/* the refresh token is spent now, and what replaces it exists only here */

static void
cigna_refresh_tokens(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char  *why;

    f->answer = cigna_answer_tokens;
    f->end = cigna_lease_keep;
    f->fresh = f->grant;
    f->fresh.state = cigna_grant_live;

    /*
     * A stranger's tokens are forgotten and not revoked, see
     * cigna_grant_write.h.  What became of the refresh token nobody knows.
     */

    if (cigna_grant_write_same(f->subject, &f->tokens, ev->now_ms, &f->fresh,
                               &why)
        != CIGNA_OK)
    {
        f->answer = cigna_answer_failed;
        f->foreign = 1;
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable, why);
        return;
    }

    cigna_grant_write_tokens(f->subject->provider, &f->tokens, f->sent_ms,
                             &f->fresh);

    f->fresh.generation++;
    f->fresh.forced = f->verdict.refused_id.len
                      && cigna_slice_eq(f->verdict.refused_id, f->grant.id)
                      && f->verdict.refused_generation == f->grant.generation;

    f->state = cigna_refresh_st_commit;

    if (cigna_grant_commit_begin(&f->commit, &f->fresh, f->lease.owner,
                                 f->lease.connected_ms, ev, op)
        != CIGNA_OK)
    {
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                              "the grant cannot be sealed");
    }
}


void
cigna_refresh_committed(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch (f->commit.rc) {

    case cigna_grant_commit_usable:
        f->grant = f->fresh;
        f->exchanged = 1;
        cigna_refresh_report(f, ev, op, cigna_refresh_ok, NULL);
        return;

    case cigna_grant_commit_stored:
        cigna_refresh_stored(f, ev, op);
        return;

    case cigna_grant_commit_stale:
        cigna_refresh_superseded(f, ev, op);
        return;

    case cigna_grant_commit_left:
        f->left = 1;
        cigna_refresh_revoke(f, op);
        return;

    case cigna_grant_commit_failed:
        break;
    }

    /* not revoked: if the old refresh token still works, so does the grant */

    cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                          "the new tokens could not be stored");
}


static void
cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->lease.held = 0;

    if (f->exchanged) {
        f->state = cigna_refresh_st_settle;
        cigna_grant_commit_settle(&f->commit, 1, op);
        return;
    }

    f->grant = f->fresh;
    f->exchanged = 1;
    cigna_refresh_report(f, ev, op, cigna_refresh_ok, NULL);
}


/* 1 if it is what this run has made, if sealed anew by somebody since */

static int
cigna_refresh_same(const cigna_grant_t *a, const cigna_grant_t *b)
{
    return a->generation == b->generation && cigna_slice_eq(a->id, b->id)
           && a->state == b->state
           && cigna_slice_eq(a->access_token, b->access_token);
}


/*
 * The grant is another one, or a newer one, or gone, and the lease with it.
 * What is there counts.  Tokens of a dead grant are revoked; those of the same
 * grant are not, since revoking them would take the newer generation along.
 */

void
cigna_refresh_superseded(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char       *why;
    cigna_grant_t     there;
    cigna_refresh_e   rc;

    f->lease.held = 0;

    rc = cigna_refresh_record(f, cigna_grant_commit_record(ev), &there, NULL,
                              &why);

    if (rc == cigna_refresh_ok && there.state == cigna_grant_spent) {
        rc = cigna_refresh_spent;
        why = "refused before";
    }

    if (rc == cigna_refresh_ok && cigna_refresh_same(&there, &f->fresh)) {
        cigna_refresh_stored(f, ev, op);
        return;
    }

    if (rc == cigna_refresh_no_grant
        || (there.id.len && !cigna_slice_eq(there.id, f->grant.id)))
    {
        cigna_revoke_handoff_prepare(&f->revoke, f->tokens.refresh_token,
                                     f->tokens.access_token);
    }

    if (f->exchanged) {
        f->superseded = 1;
        cigna_flow_say(f->detail, sizeof(f->detail),
                       rc == cigna_refresh_ok ? "somebody else was first"
                                              : why, cigna_slice_null);
        f->state = cigna_refresh_st_settle;
        cigna_grant_commit_settle(&f->commit, 0, op);
        return;
    }

    if (rc != cigna_refresh_ok) {
        cigna_refresh_report(f, ev, op, rc, why);
        return;
    }

    cigna_refresh_overtaken(f, ev, op, &there);
}


/* invalid_grant: is it the token that the vault still has? */

void
cigna_refresh_checked(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char       *why;
    cigna_grant_t     there;
    cigna_refresh_e   rc;

    if (!cigna_flow_answered(ev)) {

        if (!cigna_refresh_again(f, op, CIGNA_REFRESH_ASK_TRIES)) {
            cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                                  "refused, but Redis cannot be asked");
        }

        return;
    }

    rc = cigna_refresh_record(f, ev->reply, &there, NULL, &why);

    if (rc != cigna_refresh_ok) {
        cigna_refresh_end(f, ev, op, rc, why);
        return;
    }

    if (there.generation != f->grant.generation
        || !cigna_slice_eq(there.id, f->grant.id))
    {
        cigna_refresh_overtaken(f, ev, op, &there);
        return;
    }

    if (cigna_verdict_final(&f->verdict)) {
        cigna_refresh_mark_spent(f, ev, op);
        return;
    }

    f->provisional = 1;
    f->end = cigna_lease_refuse;
    cigna_refresh_passing(f, ev, op, cigna_refresh_paused,
                          "refused, as too many are");
}


static void
cigna_refresh_mark_spent(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->fresh = f->grant;
    f->fresh.state = cigna_grant_spent;
    f->fresh.obtained_ms = ev->now_ms;
    f->fresh.generation++;

    if (cigna_grant_write_swap(f->subject, &f->fresh, f->lease.owner,
                               CIGNA_REFRESH_SPENT_MS, ev->random, op)
        != CIGNA_OK)
    {
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                              "the grant cannot be sealed");
        return;
    }

    cigna_retry_init(&f->retry, op, cigna_refresh_st_spent);
    f->state = cigna_refresh_st_spent;
}


/* a race that was lost is not a grant that is gone */

static void
cigna_refresh_overtaken(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, const cigna_grant_t *there)
{
    f->overtaken = 1;
    f->grant = *there;

    if (there->state == cigna_grant_spent) {
        cigna_refresh_end(f, ev, op, cigna_refresh_spent, "refused before");
        return;
    }

    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                          "somebody else was first");
}
