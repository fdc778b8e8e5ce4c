
#include "ngx_cigna_timer.h"


void
ngx_cigna_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler, void *data,
    ngx_log_t *log, unsigned cancelable)
{
    ev->handler = handler;
    ev->data = data;
    ev->log = log;
    ev->cancelable = cancelable;
}


void
ngx_cigna_timer_within(ngx_event_t *ev, ngx_msec_t ms)
{
    if (ev->timer_set) {

        if ((ngx_msec_int_t) (ev->timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) ms)
        {
            return;
        }

        /* ngx_add_timer() alone keeps an old time that is close to the new */

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, ms);
}


ngx_msec_t
ngx_cigna_timer_left(ngx_msec_t deadline)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (deadline - ngx_current_msec);

    return ngx_max(left, 0);
}


void
ngx_cigna_timer_stop(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }
}
