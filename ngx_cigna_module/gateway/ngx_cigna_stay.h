
#ifndef _NGX_CIGNA_STAY_H_INCLUDED_
#define _NGX_CIGNA_STAY_H_INCLUDED_


#include "ngx_cigna_conf.h"


/*
 * Keeps an exiting worker alive while the journal has grants that Redis has not
 * confirmed.  nginx ends a worker only when all of its timers are cancelable.
 * So this file sets a timer that is not cancelable and whose handler is empty.
 */

void ngx_cigna_stay_init(ngx_cigna_worker_t *worker);

/*
 * keeps an exiting worker alive until ngx_cigna_stay_done(), but not longer
 * than a second from now
 */
void ngx_cigna_stay(ngx_cigna_worker_t *worker);

/* lets the worker exit; may be called twice */
void ngx_cigna_stay_done(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_STAY_H_INCLUDED_ */
