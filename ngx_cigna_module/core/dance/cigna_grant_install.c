
/*
 * The installation of a grant, within the callback.
 *
 *   begin --> put --> journal --> over
 *             ^ | |                ^
 *             | v +----------------+ "retired", or no call was lost
 *            sleep
 *
 * "put" calls the script grant_install.
 *
 * Invariants:
 *
 *   (1) rc is "ok" only if Redis has said that the grant is stored;
 *   (2) "old" is the grant in the reply of the script; if that reply was lost,
 *       it is the grant that cigna_grant_install_looked() has read;
 *   (3) a grant that Redis has confirmed is entered into the journal, because a
 *       failover may still lose it; if no try succeeded and the reply to one
 *       was lost, the grant is entered as deleted, because its tokens will be
 *       revoked.
 *
 * It is harmless to store a grant twice.
 */


#include <string.h>

#include "cigna_grant_install.h"
#include "vault/cigna_grant_write.h"


#define CIGNA_GRANT_INSTALL_TRIES     8
#define CIGNA_GRANT_INSTALL_MS        50
#define CIGNA_GRANT_INSTALL_MAX_MS    1600


typedef enum {
    cigna_grant_install_st_put = 0,
    cigna_grant_install_st_sleep,
    cigna_grant_install_st_journal,
    cigna_grant_install_st_over
} cigna_grant_install_state_e;


static int cigna_grant_install_stored(cigna_grant_install_t *p,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_grant_install_not_stored(cigna_grant_install_t *p,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_grant_install_read(cigna_grant_install_t *p,
    const cigna_reply_t *record);
static int cigna_grant_install_over(cigna_grant_install_t *p,
    cigna_grant_install_e rc);
static int cigna_grant_install_differ(cigna_slice_t a, cigna_slice_t b);
static int cigna_grant_install_shared(cigna_slice_t a, cigna_slice_t b);


void
cigna_grant_install_looked(cigna_grant_install_t *p, const cigna_event_t *ev)
{
    if (cigna_flow_answered(ev)) {
        cigna_grant_install_read(p, ev->reply);
        p->looked = p->replaced;
    }

    /* the new grant has not replaced the old one yet */

    p->replaced = 0;
}


int
cigna_grant_install_begin(cigna_grant_install_t *p, cigna_grant_t *g,
    const cigna_event_t *ev, cigna_op_t *op)
{
    uint64_t                kept_ms;
    cigna_slice_t           argv[1 + CIGNA_GRANT_WRITE_ARGC];
    const cigna_subject_t  *s = p->subject;

    g->generation = 1;
    g->state = cigna_grant_live;
    g->connected_ms = ev->now_ms;

    kept_ms = cigna_grant_write_kept_ms(s->provider, g, ev->now_ms);

    argv[0] = s->identity->grant_key;
    g->id = cigna_flow_token(s->arena, ev->random, 16);

    if (cigna_grant_write_args(s, g, kept_ms, ev->random + 16, &argv[1])
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    p->entry = cigna_grant_write_entry(s, g, argv[3], ev->now_ms, kept_ms);

    cigna_script_run(op, cigna_script_grant_install, argv,
                     1 + CIGNA_GRANT_WRITE_ARGC);
    p->state = cigna_retry_init(&p->retry, op, cigna_grant_install_st_put);

    return CIGNA_OK;
}


int
cigna_grant_install_next(cigna_grant_install_t *p, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_grant_install_state_e) p->state) {

    case cigna_grant_install_st_put:

        if (cigna_script_said(ev, "ok")) {
            return cigna_grant_install_stored(p, ev, op);
        }

        if (cigna_script_said(ev, "retired")) {
            return cigna_grant_install_over(p, cigna_grant_install_retired);
        }

        return cigna_grant_install_not_stored(p, ev, op);

    case cigna_grant_install_st_sleep:

        p->state = cigna_retry_again(&p->retry, op);
        return CIGNA_AGAIN;

    case cigna_grant_install_st_journal:
    case cigna_grant_install_st_over:
        break;
    }

    return cigna_grant_install_over(p, p->rc);
}


/* notes the replaced grant, and enters the new one into the journal */

static int
cigna_grant_install_stored(cigna_grant_install_t *p, const cigna_event_t *ev,
    cigna_op_t *op)
{
    uint64_t              connected;
    const cigna_reply_t  *record;

    p->rc = cigna_grant_install_ok;
    p->state = cigna_grant_install_st_journal;

    record = cigna_reply_item(ev->reply, 2);

    if (cigna_reply_slice(cigna_reply_item(record, 0)).len) {
        cigna_grant_install_read(p, record);

    } else if (p->lost && p->looked) {
        p->replaced = 1;
    }

    if (cigna_slice_uint(cigna_script_slice(ev, 1), INT64_MAX, &connected)
        != CIGNA_OK)
    {
        return cigna_grant_install_over(p, cigna_grant_install_ok);
    }

    p->entry.connected_ms = (int64_t) connected;
    cigna_flow_journal(op, &p->entry, 1);

    return CIGNA_AGAIN;
}


static int
cigna_grant_install_not_stored(cigna_grant_install_t *p,
    const cigna_event_t *ev, cigna_op_t *op)
{
    p->lost |= ev->type == cigna_ev_lost;

    if (cigna_retry_sleep(&p->retry, op, CIGNA_GRANT_INSTALL_TRIES,
                          CIGNA_GRANT_INSTALL_MS, CIGNA_GRANT_INSTALL_MAX_MS)
        == CIGNA_OK)
    {
        p->state = cigna_grant_install_st_sleep;
        return CIGNA_AGAIN;
    }

    if (!p->lost) {
        return cigna_grant_install_over(p, cigna_grant_install_failed);
    }

    p->rc = cigna_grant_install_failed;
    p->entry.generation = 0;
    p->entry.blob = cigna_slice_null;
    p->entry.connected_ms = 1;             /* not known: the earliest time */

    p->state = cigna_grant_install_st_journal;
    cigna_flow_journal(op, &p->entry, 0);

    return CIGNA_AGAIN;
}


/* reads a record into "old", and sets "replaced" and "unread" */

static void
cigna_grant_install_read(cigna_grant_install_t *p, const cigna_reply_t *record)
{
    int  rc;

    memset(&p->old, 0, sizeof(cigna_grant_t));

    rc = cigna_vault_read_grant(p->subject, record, &p->old, NULL);

    p->replaced = rc != CIGNA_NONE && rc != CIGNA_AGAIN;
    p->unread = p->replaced && rc != CIGNA_OK;

    if (rc != CIGNA_OK) {
        memset(&p->old, 0, sizeof(cigna_grant_t));
    }
}


static int
cigna_grant_install_over(cigna_grant_install_t *p, cigna_grant_install_e rc)
{
    p->rc = rc;
    p->state = cigna_grant_install_st_over;

    return CIGNA_OK;
}


int
cigna_grant_install_outdated(const cigna_grant_install_t *p,
    const cigna_grant_t *g)
{
    return p->replaced && !p->unread
           && !cigna_grant_install_shared(p->old.refresh_token,
                                          g->refresh_token)
           && !cigna_grant_install_shared(p->old.access_token, g->access_token);
}


int
cigna_grant_install_changed(const cigna_grant_install_t *p,
    const cigna_grant_t *g)
{
    return p->replaced && !p->unread
           && (cigna_grant_install_differ(p->old.sub, g->sub)
               || cigna_grant_write_other_patient(p->subject->provider,
                                                  p->old.patient,
                                                  g->patient));
}


static int
cigna_grant_install_differ(cigna_slice_t a, cigna_slice_t b)
{
    return a.len && b.len && !cigna_slice_eq(a, b);
}


static int
cigna_grant_install_shared(cigna_slice_t a, cigna_slice_t b)
{
    return a.len && b.len && cigna_secret_eq(a, b);
}
