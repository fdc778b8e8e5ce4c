
#ifndef _CIGNA_REFRESH_FLOW_H_INCLUDED_
#define _CIGNA_REFRESH_FLOW_H_INCLUDED_


#include "cigna_refresh.h"


/* what the files of the refresh share; see cigna_refresh.c */

#define CIGNA_REFRESH_ASK_TRIES  3


typedef enum {
    cigna_refresh_st_start = 0,
    cigna_refresh_st_read,
    cigna_refresh_st_turn,
    cigna_refresh_st_lease,
    cigna_refresh_st_exchange,
    cigna_refresh_st_commit,
    cigna_refresh_st_settle,
    cigna_refresh_st_check,
    cigna_refresh_st_spent,
    cigna_refresh_st_release,
    cigna_refresh_st_report,
    cigna_refresh_st_revoke,
    cigna_refresh_st_done,
    cigna_refresh_st_sleep
} cigna_refresh_state_e;


/* cigna_refresh.c: steps that end in an operation */

void cigna_refresh_read(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state);
void cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
void cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
void cigna_refresh_end(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
void cigna_refresh_report(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
void cigna_refresh_revoke(cigna_refresh_t *f, cigna_op_t *op);

/* sleeps before the operation is repeated; 0: not any more */
int cigna_refresh_again(cigna_refresh_t *f, cigna_op_t *op, unsigned tries);

/*
 * Opens a record, the reply to a read.  "ok" for a grant, whether it is spent
 * or not, otherwise *why says it in words; id and generation are set as far as
 * they could be read.  mark may be NULL.
 */

cigna_refresh_e cigna_refresh_record(const cigna_refresh_t *f,
    const cigna_reply_t *record, cigna_grant_t *g, cigna_vault_mark_t *mark,
    const char **why);

/* cigna_refresh_outcome.c: how the exchange, or what followed it, has ended */

void cigna_refresh_exchanged(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
void cigna_refresh_committed(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
void cigna_refresh_checked(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
void cigna_refresh_superseded(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_REFRESH_FLOW_H_INCLUDED_ */
