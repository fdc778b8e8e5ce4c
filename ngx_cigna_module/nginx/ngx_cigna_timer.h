
#ifndef _NGX_CIGNA_TIMER_H_INCLUDED_
#define _NGX_CIGNA_TIMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* the caller has zeroed ev; a cancelable timer lets an exiting worker end */
void ngx_cigna_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log, unsigned cancelable);

/* makes the timer fire in ms at the latest; an earlier time stays */
void ngx_cigna_timer_within(ngx_event_t *ev, ngx_msec_t ms);

/* ms until "deadline", which is a value of ngx_current_msec; 0 or more */
ngx_msec_t ngx_cigna_timer_left(ngx_msec_t deadline);

/* removes the timer and the posted event, so that the handler is not called */
void ngx_cigna_timer_stop(ngx_event_t *ev);


#endif /* _NGX_CIGNA_TIMER_H_INCLUDED_ */
