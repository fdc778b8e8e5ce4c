
#include "ngx_cigna_stay.h"
#include "ngx_cigna_worker.h"


#define NGX_CIGNA_STAY_MS  1000


static void ngx_cigna_stay_handler(ngx_event_t *ev);


void
ngx_cigna_stay_init(ngx_cigna_worker_t *worker)
{
    worker->stay.handler = ngx_cigna_stay_handler;
    worker->stay.data = worker;
    worker->stay.log = worker->cycle->log;
}


void
ngx_cigna_stay(ngx_cigna_worker_t *worker)
{
    ngx_add_timer(&worker->stay, NGX_CIGNA_STAY_MS);
}


static void
ngx_cigna_stay_handler(ngx_event_t *ev)
{
    /* void */
}


void
ngx_cigna_stay_done(ngx_cigna_worker_t *worker)
{
    if (worker->stay.timer_set) {
        ngx_del_timer(&worker->stay);
    }
}
