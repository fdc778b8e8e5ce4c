
#include "ngx_cigna_seats.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_log.h"
#include "shm/ngx_cigna_counters.h"
#include "http/cigna_uri.h"


/* an origin with one or more seats taken */

struct ngx_cigna_seats_s {
    ngx_queue_t         queue;             /* in worker->seats */
    ngx_uint_t          taken;
    in_port_t           port;
    size_t              host_len;          /* 0: the endpoint is unknown */
    u_char              host[];
};


static ngx_cigna_seats_t *ngx_cigna_seats_find(ngx_cigna_worker_t *worker,
    const cigna_uri_t *uri);
static ngx_cigna_seats_t *ngx_cigna_seats_create(ngx_cigna_worker_t *worker,
    const cigna_uri_t *uri);
static ngx_uint_t ngx_cigna_seats_full(const ngx_cigna_worker_t *worker,
    const ngx_cigna_seats_t *seats, ngx_cigna_seat_e kind);
static ngx_uint_t ngx_cigna_seats_max(ngx_uint_t part, ngx_cigna_seat_e kind);
static void ngx_cigna_seats_refuse(ngx_cigna_worker_t *worker,
    ngx_cigna_tenant_t *tenant, ngx_cigna_seat_e kind, ngx_uint_t taken);


ngx_int_t
ngx_cigna_seat_take(ngx_cigna_worker_t *worker, ngx_cigna_tenant_t *tenant,
    ngx_cigna_seat_e kind, ngx_cigna_seats_t **seat)
{
    cigna_uri_t         uri;
    ngx_cigna_seats_t  *seats;

    if (cigna_uri_parse(tenant->provider.token_endpoint, &uri) != CIGNA_OK) {
        ngx_memzero(&uri, sizeof(cigna_uri_t));
    }

    seats = ngx_cigna_seats_find(worker, &uri);

    if (*seat != NULL && *seat == seats) {
        return NGX_OK;
    }

    ngx_cigna_seat_give(worker, seat);

    if (ngx_cigna_seats_full(worker, seats, kind)) {
        ngx_cigna_seats_refuse(worker, tenant, kind, seats ? seats->taken : 0);
        return NGX_BUSY;
    }

    if (seats == NULL) {
        seats = ngx_cigna_seats_create(worker, &uri);
        if (seats == NULL) {
            return NGX_ERROR;
        }
    }

    seats->taken++;
    worker->seats_taken++;

    *seat = seats;

    return NGX_OK;
}


void
ngx_cigna_seat_give(ngx_cigna_worker_t *worker, ngx_cigna_seats_t **seat)
{
    ngx_cigna_seats_t  *seats;

    seats = *seat;

    if (seats == NULL) {
        return;
    }

    *seat = NULL;

    seats->taken--;
    worker->seats_taken--;

    if (seats->taken == 0) {
        ngx_queue_remove(&seats->queue);
        ngx_free(seats);
    }
}


static ngx_cigna_seats_t *
ngx_cigna_seats_find(ngx_cigna_worker_t *worker, const cigna_uri_t *uri)
{
    ngx_queue_t        *q;
    ngx_cigna_seats_t  *seats;

    for (q = ngx_queue_head(&worker->seats);
         q != ngx_queue_sentinel(&worker->seats);
         q = ngx_queue_next(q))
    {
        seats = ngx_queue_data(q, ngx_cigna_seats_t, queue);

        if (seats->port == uri->port
            && cigna_slice_eq_case(cigna_slice_make(seats->host, seats->host
                                                    + seats->host_len),
                                   uri->host))
        {
            return seats;
        }
    }

    return NULL;
}


static ngx_cigna_seats_t *
ngx_cigna_seats_create(ngx_cigna_worker_t *worker, const cigna_uri_t *uri)
{
    ngx_cigna_seats_t  *seats;

    seats = ngx_alloc(sizeof(ngx_cigna_seats_t) + uri->host.len,
                      ngx_cycle->log);
    if (seats == NULL) {
        return NULL;
    }

    seats->taken = 0;
    seats->port = uri->port;
    seats->host_len = uri->host.len;

    if (uri->host.len) {
        ngx_memcpy(seats->host, uri->host.data, uri->host.len);
    }

    ngx_queue_insert_tail(&worker->seats, &seats->queue);

    return seats;
}


/*
 * Returns 1 if no seat (ngx_cigna_seats.h) is free for this kind of exchange.
 * seats: the seats of the origin; NULL: none of them is taken.
 */

static ngx_uint_t
ngx_cigna_seats_full(const ngx_cigna_worker_t *worker,
    const ngx_cigna_seats_t *seats, ngx_cigna_seat_e kind)
{
    return (seats && seats->taken >= ngx_cigna_seats_max(4, kind))
           || worker->seats_taken >= ngx_cigna_seats_max(2, kind);
}


/*
 * Returns how many of the worker_connections / part seats this kind of exchange
 * may take.  An eighth of the seats is only for dances.
 */

static ngx_uint_t
ngx_cigna_seats_max(ngx_uint_t part, ngx_cigna_seat_e kind)
{
    ngx_uint_t  all;

    all = ngx_cycle->connection_n / part;

    if (kind == ngx_cigna_seat_refresh) {
        all -= (all + 7) / 8;
    }

    return ngx_max(all, 1);
}


static void
ngx_cigna_seats_refuse(ngx_cigna_worker_t *worker, ngx_cigna_tenant_t *tenant,
    ngx_cigna_seat_e kind, ngx_uint_t taken)
{
    ngx_cigna_count(tenant->counters, ngx_cigna_count_exchanges_bounded);

    if (!ngx_cigna_log_due(&worker->seats_logged)) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "cigna: a %s of \"%V\" does not begin, as %ui exchanges with "
                  "its token endpoint are open, %ui with all of them: "
                  "worker_connections has no more for it",
                  kind == ngx_cigna_seat_refresh ? "refresh" : "dance",
                  &tenant->name, taken, worker->seats_taken);
}
