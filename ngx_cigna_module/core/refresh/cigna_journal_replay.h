
#ifndef _CIGNA_JOURNAL_REPLAY_H_INCLUDED_
#define _CIGNA_JOURNAL_REPLAY_H_INCLUDED_


#include "provider/cigna_revoke_handoff.h"
#include "vault/cigna_scripts.h"


/*
 * Writes an entry of a node's journal to Redis: once more after a change of
 * primary or a reconnect, or for the first time if the run that made the entry
 * could not.  cigna_journal_replay.c describes states and invariants.
 */

typedef enum {
    cigna_journal_replay_pending = 0,
    cigna_journal_replay_ok,               /* Redis has the entry's
                                              generation, or has no longer the
                                              grant that the entry deletes: the
                                              entry is confirmed */
    cigna_journal_replay_superseded,       /* Redis has something newer, the
                                              grant is gone, or the entry is too
                                              old, malformed, or (if Redis had
                                              it before) of another vault: the
                                              entry is forgotten */
    cigna_journal_replay_failed            /* the entry is not written, and
                                              stays */
} cigna_journal_replay_e;


/*
 * Entries older than this are dropped, because after CIGNA_TOMB_MS Redis has
 * forgotten deletions.  The day less is a margin.
 */

#define CIGNA_JOURNAL_REPLAY_MAX_MS  (CIGNA_TOMB_MS - INT64_C(24) * 3600 * 1000)

#define CIGNA_JOURNAL_REPLAY_ARENA   (48 * 1024)


typedef struct {
    /* set by the caller, all else zeroed; borrowed until the flow is over */
    cigna_subject_t          subject;      /* its provider is NULL if the tenant
                                              is no longer configured; the flow
                                              sets its identity */
    cigna_journal_t          entry;
    unsigned                 confirmed:1;  /* Redis had the entry before */

    /* results, complete when the flow reports (or is done) */
    cigna_journal_replay_e   rc;
    char                     detail[192];  /* for the log, never a secret */

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
    cigna_vault_names_t      identity;
    cigna_revoke_handoff_t   revoke;
} cigna_journal_replay_t;


/* flow: a cigna_journal_replay_t */
void cigna_journal_replay_next(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);

const char *cigna_journal_replay_name(cigna_journal_replay_e rc);


#endif /* _CIGNA_JOURNAL_REPLAY_H_INCLUDED_ */
