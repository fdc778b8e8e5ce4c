
#include "ngx_cigna_stay.h"
#include "ngx_cigna_worker.h"
#include "nginx/ngx_cigna_timer.h"


#define NGX_CIGNA_STAY_MS  1000


static void ngx_cigna_stay_handler(ngx_event_t *ev);


void
ngx_cigna_stay_init(ngx_cigna_worker_t *worker)
{
    ngx_cigna_timer_init(&worker->stay, ngx_cigna_stay_handler, worker,
                         worker->cycle->log, 0);
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
    ngx_cigna_timer_stop(&worker->stay);
}
