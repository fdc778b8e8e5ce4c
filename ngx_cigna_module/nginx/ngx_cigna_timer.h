
#ifndef _NGX_CIGNA_TIMER_H_INCLUDED_
#define _NGX_CIGNA_TIMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* sets a timer, unless it is set and fires within ms already */
void ngx_cigna_timer_within(ngx_event_t *ev, ngx_msec_t ms);


#endif /* _NGX_CIGNA_TIMER_H_INCLUDED_ */
