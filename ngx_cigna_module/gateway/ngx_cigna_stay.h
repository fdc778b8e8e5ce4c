
#ifndef _NGX_CIGNA_STAY_H_INCLUDED_
#define _NGX_CIGNA_STAY_H_INCLUDED_


#include "ngx_cigna_conf.h"


/*
 * An exiting worker stays while the journal has grants that Redis has not
 * confirmed.  nginx ends a worker once all of its timers are cancelable: the
 * timer here is not, and does nothing else.
 */

void ngx_cigna_stay_init(ngx_cigna_worker_t *worker);

/* the worker stays until ngx_cigna_stay_done(), at most a second from now */
void ngx_cigna_stay(ngx_cigna_worker_t *worker);

/* may be called twice */
void ngx_cigna_stay_done(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_STAY_H_INCLUDED_ */
