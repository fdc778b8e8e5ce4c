
#ifndef _NGX_CIGNA_TIMER_H_INCLUDED_
#define _NGX_CIGNA_TIMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* ev is zeroed; cancelable: it does not keep an exiting worker alive */
void ngx_cigna_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log, unsigned cancelable);

/* sets a timer, unless it is set and fires within ms already */
void ngx_cigna_timer_within(ngx_event_t *ev, ngx_msec_t ms);

/* the event will not fire: removes it as a timer and as a posted event */
void ngx_cigna_timer_stop(ngx_event_t *ev);


#endif /* _NGX_CIGNA_TIMER_H_INCLUDED_ */
