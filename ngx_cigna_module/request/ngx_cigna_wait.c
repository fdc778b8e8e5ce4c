
#include "ngx_cigna_wait.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_worker.h"


static ngx_int_t ngx_cigna_wait_block(ngx_cigna_wait_t *w);
static void ngx_cigna_wait_run_handler(ngx_cigna_waiter_t *waiter,
    ngx_cigna_run_t *run);
static void ngx_cigna_wait_redis_handler(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_wait_timeout(ngx_event_t *ev);
static void ngx_cigna_wait_wake(ngx_cigna_wait_t *w);
static void ngx_cigna_wait_done(void *data);


ngx_int_t
ngx_cigna_wait_init(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_wait_t    *w;
    ngx_http_cleanup_t  *cln;

    if (ctx->wait != NULL) {
        return NGX_OK;
    }

    w = ngx_pcalloc(r->pool, sizeof(ngx_cigna_wait_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_cigna_wait_done;
    cln->data = w;

    w->request = r;

    w->timer.handler = ngx_cigna_wait_timeout;
    w->timer.data = w;
    w->timer.log = r->connection->log;

    w->cmd.handler = ngx_cigna_wait_redis_handler;
    w->cmd.data = w;

    ctx->wait = w;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_wait_run(ngx_cigna_wait_t *w, ngx_cigna_run_t *run,
    ngx_msec_t timeout, ngx_http_event_handler_pt resume)
{
    ngx_int_t  rc;

    rc = ngx_cigna_run_wait(run, &w->waiter, ngx_cigna_wait_run_handler, w);
    if (rc != NGX_OK) {
        return rc;
    }

    w->run = NULL;
    w->late = NULL;
    w->resume = resume;

    /* not cancelable, so that an exiting worker stays until the request ends */

    ngx_add_timer(&w->timer, timeout);

    return ngx_cigna_wait_block(w);
}


ngx_int_t
ngx_cigna_wait_redis(ngx_cigna_wait_t *w, const cigna_slice_t *argv,
    ngx_uint_t argc, ngx_http_event_handler_pt resume)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(w->request, ngx_cigna_module);

    w->resume = resume;

    if (ngx_cigna_redis_start(mcf->worker->redis, &w->cmd, argv, argc)
        != NGX_AGAIN)
    {
        return NGX_BUSY;
    }

    return ngx_cigna_wait_block(w);
}


ngx_int_t
ngx_cigna_wait_until(ngx_cigna_wait_t *w, ngx_http_event_handler_pt resume)
{
    w->resume = resume;

    return ngx_cigna_wait_block(w);
}


void
ngx_cigna_wait_end(ngx_cigna_wait_t *w)
{
    ngx_post_event(&w->timer, &ngx_posted_events);
}


ngx_int_t
ngx_cigna_wait_post(ngx_cigna_wait_t *w, ngx_http_event_handler_pt resume)
{
    ngx_cigna_wait_end(w);

    return ngx_cigna_wait_until(w, resume);
}


/* reads nothing from the client, but notices a closed connection */

static ngx_int_t
ngx_cigna_wait_block(ngx_cigna_wait_t *w)
{
    ngx_event_t         *rev;
    ngx_http_request_t  *r = w->request;

    rev = r->connection->read;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_cigna_wait_done(w);
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static void
ngx_cigna_wait_run_handler(ngx_cigna_waiter_t *waiter, ngx_cigna_run_t *run)
{
    ngx_cigna_wait_t  *w = waiter->data;

    w->run = run;

    ngx_cigna_wait_wake(w);
}


static void
ngx_cigna_wait_redis_handler(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_wait_wake(cmd->data);
}


static void
ngx_cigna_wait_timeout(ngx_event_t *ev)
{
    ngx_cigna_wait_t  *w = ev->data;

    w->late = w->waiter.run;

    ngx_cigna_waiter_leave(&w->waiter);

    ngx_cigna_wait_wake(w);
}


/* calls "resume", which may free the request, and w with it */

static void
ngx_cigna_wait_wake(ngx_cigna_wait_t *w)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r = w->request;

    c = r->connection;

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;

    w->resume(r);

    ngx_http_run_posted_requests(c);
}


void
ngx_cigna_wait_phases(ngx_http_request_t *r)
{
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


void
ngx_cigna_wait_reply(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    ngx_http_finalize_request(r, ctx->wait->reply(r, ctx));
}


/* stops waiting, and frees the command's reply; may be called twice */

static void
ngx_cigna_wait_done(void *data)
{
    ngx_cigna_wait_t *w = data;

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }

    if (w->timer.posted) {
        ngx_delete_posted_event(&w->timer);
    }

    ngx_cigna_waiter_leave(&w->waiter);
    ngx_cigna_redis_done(&w->cmd);

    w->run = NULL;
}
