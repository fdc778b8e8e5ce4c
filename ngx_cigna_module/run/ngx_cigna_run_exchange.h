
#ifndef _NGX_CIGNA_RUN_EXCHANGE_H_INCLUDED_
#define _NGX_CIGNA_RUN_EXCHANGE_H_INCLUDED_


#include "ngx_cigna_run.h"


/*
 * A run's exchanges with the token endpoint, and the journal of their results.
 * Only the driver calls these functions.  Seats are in ngx_cigna_seats.h, turns
 * in ngx_cigna_refresh_gate.h.
 */


/* performs cigna_op_turn: may a refresh begin?  The result is in run->ev. */
void ngx_cigna_run_exchange_turn(ngx_cigna_run_t *run);

/*
 * Decides whether the run may send an exchange now.  NGX_OK: it may.
 * NGX_AGAIN: the exchange waits for the tenant's token_requests; when
 * run->event fires, the driver calls this function again.  NGX_BUSY: the run
 * must not send the exchange.
 */
ngx_int_t ngx_cigna_run_exchange_admit(ngx_cigna_run_t *run);

/*
 * Performs cigna_op_journal.  NGX_OK: the journal has the entry.  NGX_BUSY: the
 * journal has no room for the entry, which is counted and logged.
 * NGX_DECLINED: the journal has a newer entry about the grant.
 */
ngx_int_t ngx_cigna_run_exchange_journal(ngx_cigna_run_t *run);

/*
 * Performs cigna_op_settle: confirms the run's entry in the journal, or removes
 * it.
 */
void ngx_cigna_run_exchange_settle(ngx_cigna_run_t *run);

/*
 * At the end of the run, gives back its place among the open exchanges (the
 * seat) and, if the request was not sent, its permission to refresh (the turn).
 * The journal writer (jobs/ngx_cigna_journal_writer.h) takes over the run's
 * journal entry if Redis has not confirmed it.
 */
void ngx_cigna_run_exchange_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_EXCHANGE_H_INCLUDED_ */
