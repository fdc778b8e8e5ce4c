
#ifndef _NGX_CIGNA_RUN_EXCHANGE_H_INCLUDED_
#define _NGX_CIGNA_RUN_EXCHANGE_H_INCLUDED_


#include "ngx_cigna_run.h"


/*
 * A run's exchanges with the token endpoint, and the journal of their results.
 * For the driver alone.
 */


/* cigna_op_turn; the result is in run->ev */
void ngx_cigna_run_exchange_turn(ngx_cigna_run_t *run);

/*
 * Before an exchange is sent.  NGX_OK: it may be sent.  NGX_AGAIN: it waits for
 * the tenant's token_requests, run->event will fire, and this is to be called
 * again.  NGX_BUSY: it is not sent.
 */
ngx_int_t ngx_cigna_run_exchange_admit(ngx_cigna_run_t *run);

/*
 * cigna_op_journal.  NGX_OK: the journal has the entry.  NGX_BUSY: the journal
 * is full, which is counted and logged.  NGX_DECLINED: the entry is outdated.
 */
ngx_int_t ngx_cigna_run_exchange_journal(ngx_cigna_run_t *run);

/* cigna_op_settle */
void ngx_cigna_run_exchange_settle(ngx_cigna_run_t *run);

/*
 * The run ends: gives its seat and its turn back, and leaves its entry to the
 * journal's writer.
 */
void ngx_cigna_run_exchange_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_EXCHANGE_H_INCLUDED_ */
