
#include "ngx_cigna_http.h"
#include "nginx/ngx_cigna_timer.h"
#include "base/cigna_secret.h"
#include "nginx/ngx_cigna_slice.h"


/*
 * start() -> peer: resolve, connect, TLS -> send -> receive -> handler
 *
 * A failure is "unsent" before the first byte of the request is handed to the
 * kernel or to TLS.  Every later failure is "lost".  This file sends no request
 * twice.
 */


#define NGX_CIGNA_HTTP_HEADER_MAX  (16 * 1024)
#define NGX_CIGNA_HTTP_IN_SIZE     4096


static ngx_int_t ngx_cigna_http_create_request(ngx_cigna_http_t *http);
static ngx_int_t ngx_cigna_http_check(ngx_cigna_http_t *http, cigna_uri_t *u);
static void ngx_cigna_http_append_request(cigna_buf_t *b,
    const cigna_http_request_t *request, const cigna_uri_t *u);
static void ngx_cigna_http_append_host(cigna_buf_t *b, const cigna_uri_t *u);
static void ngx_cigna_http_peer_handler(ngx_cigna_peer_t *peer);
static void ngx_cigna_http_connected(ngx_cigna_http_t *http);
static void ngx_cigna_http_write_handler(ngx_event_t *wev);
static void ngx_cigna_http_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_cigna_http_read(ngx_cigna_http_t *http);
static ngx_int_t ngx_cigna_http_make_room(ngx_cigna_http_t *http);
static void ngx_cigna_http_timer_handler(ngx_event_t *ev);
static void ngx_cigna_http_fail(ngx_cigna_http_t *http, const char *error);
static void ngx_cigna_http_rest(ngx_cigna_http_t *http);
static void ngx_cigna_http_rest_handler(ngx_event_t *ev);
static void ngx_cigna_http_close(ngx_cigna_http_t *http);
static void ngx_cigna_http_wipe(ngx_cigna_http_t *http, ngx_buf_t **b);


ngx_int_t
ngx_cigna_http_start(ngx_cigna_http_t *http)
{
    ngx_int_t          rc;
    ngx_cigna_peer_t  *peer;

    http->outcome = cigna_ev_unsent;
    http->error = NULL;
    http->sent = 0;

    if (ngx_cigna_http_create_request(http) != NGX_OK) {
        return NGX_ERROR;
    }

    peer = &http->peer;

    peer->origin = http->origin;
    peer->log = http->log;
    peer->timeout = http->connect_timeout;
    peer->handler = ngx_cigna_http_peer_handler;
    peer->data = http;

    rc = ngx_cigna_peer_start(peer);

    if (rc == NGX_ERROR) {
        http->error = peer->error;
        ngx_cigna_http_done(http);
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        ngx_cigna_http_connected(http);
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_cigna_http_create_request(ngx_cigna_http_t *http)
{
    size_t                 size;
    cigna_buf_t            b;
    cigna_uri_t            u;
    cigna_http_request_t  *request;

    if (ngx_cigna_http_check(http, &u) != NGX_OK) {
        return NGX_ERROR;
    }

    request = &http->request;

    size = 2 * request->url.len + request->authorization.len
           + request->body.len + request->accept.len + request->lines.len
           + 512;

    http->out = ngx_create_temp_buf(http->pool, size);
    http->in = ngx_create_temp_buf(http->pool, NGX_CIGNA_HTTP_IN_SIZE);

    if (http->out == NULL || http->in == NULL) {
        http->error = "no memory";
        return NGX_ERROR;
    }

    cigna_buf_init(&b, http->out->start, size);
    ngx_cigna_http_append_request(&b, request, &u);

    if (b.overflow) {
        ngx_cigna_http_done(http);
        http->error = "request is too large";
        return NGX_ERROR;
    }

    http->out->last = b.pos;

    /* twice body_max: a chunked body also has the sizes of its chunks */

    http->in_max = NGX_CIGNA_HTTP_HEADER_MAX + 2 * http->body_max;

    cigna_http_reply_init(&http->reply);

    return NGX_OK;
}


/*
 * checks that the URL belongs to the origin, so that a caller's mistake does
 * not send secrets to another server, and that the credentials fit into a
 * header
 */

static ngx_int_t
ngx_cigna_http_check(ngx_cigna_http_t *http, cigna_uri_t *u)
{
    size_t                i;
    cigna_slice_t         authorization;
    ngx_cigna_origin_t   *origin = http->origin;

    authorization = http->request.authorization;

    if (cigna_uri_parse(http->request.url, u) != CIGNA_OK
        || !cigna_slice_eq_case(u->host, ngx_cigna_slice(&origin->host))
        || u->port != origin->port
        || u->https != (origin->ssl != NULL))
    {
        http->error = "URL is not one of the server's";
        return NGX_ERROR;
    }

    for (i = 0; i < authorization.len; i++) {

        if (authorization.data[i] < 0x20 || authorization.data[i] > 0x7e) {
            http->error = "credentials cannot be sent in a header";
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_cigna_http_append_request(cigna_buf_t *b,
    const cigna_http_request_t *request, const cigna_uri_t *u)
{
    cigna_buf_append_str(b, request->body.len ? "POST " : "GET ");

    cigna_buf_append(b, u->path.len ? u->path : cigna_slice("/"));

    if (u->has_query) {
        cigna_buf_append_char(b, '?');
        cigna_buf_append(b, u->query);
    }

    cigna_buf_append_str(b, " HTTP/1.1" CRLF "Host: ");
    ngx_cigna_http_append_host(b, u);

    cigna_buf_append_str(b, CRLF "Connection: close" CRLF "Accept: ");
    cigna_buf_append(b, request->accept.len ? request->accept
                                            : cigna_slice("application/json"));
    cigna_buf_append_str(b, CRLF "User-Agent: ngx_cigna_module" CRLF);
    cigna_buf_append(b, request->lines);

    if (request->authorization.len) {
        cigna_buf_append_str(b, "Authorization: ");
        cigna_buf_append(b, request->authorization);
        cigna_buf_append_str(b, CRLF);
    }

    if (request->body.len) {
        cigna_buf_append_str(b, "Content-Type: "
                             "application/x-www-form-urlencoded" CRLF
                             "Content-Length: ");
        cigna_buf_append_uint(b, request->body.len);
        cigna_buf_append_str(b, CRLF);
    }

    cigna_buf_append_str(b, CRLF);
    cigna_buf_append(b, request->body);
}


static void
ngx_cigna_http_append_host(cigna_buf_t *b, const cigna_uri_t *u)
{
    if (memchr(u->host.data, ':', u->host.len)) {
        cigna_buf_append_char(b, '[');
        cigna_buf_append(b, u->host);
        cigna_buf_append_char(b, ']');

    } else {
        cigna_buf_append(b, u->host);
    }

    if (u->port != (u->https ? 443 : 80)) {
        cigna_buf_append_char(b, ':');
        cigna_buf_append_uint(b, u->port);
    }
}


static void
ngx_cigna_http_peer_handler(ngx_cigna_peer_t *peer)
{
    ngx_cigna_http_t  *http = peer->data;

    if (peer->rc != NGX_OK) {
        ngx_cigna_http_fail(http, peer->error);
        return;
    }

    ngx_cigna_http_connected(http);
}


static void
ngx_cigna_http_connected(ngx_cigna_http_t *http)
{
    ngx_connection_t  *c = http->peer.connection;

    c->read->handler = ngx_cigna_http_read_handler;
    c->write->handler = ngx_cigna_http_write_handler;

    ngx_memzero(&http->timer, sizeof(ngx_event_t));

    ngx_cigna_timer_init(&http->timer, ngx_cigna_http_timer_handler, http,
                         http->log, 0);

    ngx_add_timer(&http->timer, http->timeout);

    /* start() may be running, and must not call the handler: post the events */

    ngx_post_event(c->write, &ngx_posted_events);

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static void
ngx_cigna_http_write_handler(ngx_event_t *wev)
{
    ssize_t            n;
    ngx_buf_t         *b;
    ngx_connection_t  *c = wev->data;
    ngx_cigna_http_t  *http;

    http = ((ngx_cigna_peer_t *) c->data)->data;
    b = http->out;

    while (b->pos < b->last) {

        if (c->ssl) {

            /* SSL_write() may have sent bytes even if it fails */

            http->sent = 1;
        }

        n = c->send(c, b->pos, b->last - b->pos);

        if (n == NGX_ERROR) {
            ngx_cigna_http_fail(http, ngx_cigna_peer_broken(&http->peer,
                                                            "send() failed"));
            return;
        }

        if (n <= 0) {
            break;
        }

        http->sent = 1;
        b->pos += n;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_cigna_http_fail(http, "event could not be set");
    }
}


static void
ngx_cigna_http_read_handler(ngx_event_t *rev)
{
    ngx_int_t          rc;
    ngx_connection_t  *c = rev->data;
    ngx_cigna_http_t  *http;

    http = ((ngx_cigna_peer_t *) c->data)->data;

    /*
     * At worker_shutdown_timeout nginx sets "close" and calls this handler,
     * once.  If the request goes on, its timer keeps the worker alive.
     */

    if (c->close && !(http->lasting && http->sent)) {
        ngx_cigna_http_fail(http, "worker is shutting down");
        return;
    }

    rc = ngx_cigna_http_read(http);

    if (rc == NGX_AGAIN) {

        if (ngx_handle_read_event(rev, 0) != NGX_OK) {
            ngx_cigna_http_fail(http, "event could not be set");
        }

        return;
    }

    if (rc == NGX_OK && !http->sent) {

        /*
         * the reply came before the request was sent, so it cannot be the
         * answer
         */

        http->error = "reply came before the request";
        rc = NGX_ERROR;
    }

    if (rc == NGX_ERROR) {
        ngx_cigna_http_fail(http, http->error);
        return;
    }

    http->outcome = cigna_ev_ok;

    ngx_cigna_http_rest(http);

    http->handler(http);
}


/*
 * NGX_OK: the reply is complete.  NGX_AGAIN: more bytes have to come.
 * NGX_ERROR: http->error says why the read failed.
 */

static ngx_int_t
ngx_cigna_http_read(ngx_cigna_http_t *http)
{
    int                rc;
    ssize_t            n;
    ngx_buf_t         *b;
    ngx_connection_t  *c = http->peer.connection;

    do {
        if (ngx_cigna_http_make_room(http) != NGX_OK) {
            return NGX_ERROR;
        }

        b = http->in;

        n = c->recv(c, b->last, b->end - b->last);

        if (n == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (n == NGX_ERROR) {
            http->error = ngx_cigna_peer_broken(&http->peer, "recv() failed");
            return NGX_ERROR;
        }

        b->last += n;

        rc = cigna_http_reply_parse(&http->reply, b->pos, b->last - b->pos,
                                    http->body_max, n == 0);

        if (rc == CIGNA_OK) {
            return NGX_OK;
        }

        if (rc == CIGNA_ERROR) {
            http->error = http->reply.error;
            return NGX_ERROR;
        }

    } while (c->read->ready);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_cigna_http_make_room(ngx_cigna_http_t *http)
{
    size_t      size, len;
    ngx_buf_t  *b, *old;

    old = http->in;

    if (old->last < old->end) {
        return NGX_OK;
    }

    len = old->last - old->start;

    if (len >= http->in_max) {
        http->reply.too_large = 1;
        http->error = "reply is too large";
        return NGX_ERROR;
    }

    size = ngx_min(2 * len, http->in_max);

    b = ngx_create_temp_buf(http->pool, size);

    if (b == NULL) {
        http->error = "no memory";
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->start, old->start, len);

    ngx_cigna_http_wipe(http, &old);
    http->in = b;

    return NGX_OK;
}


static void
ngx_cigna_http_timer_handler(ngx_event_t *ev)
{
    ngx_cigna_http_t  *http = ev->data;

    ngx_cigna_http_fail(http, "timed out");
}


static void
ngx_cigna_http_fail(ngx_cigna_http_t *http, const char *error)
{
    http->outcome = http->sent ? cigna_ev_lost : cigna_ev_unsent;
    http->error = error;

    ngx_cigna_http_close(http);

    http->handler(http);
}


/* stops the timer; leaves the connection open, and ignores its events */

static void
ngx_cigna_http_rest(ngx_cigna_http_t *http)
{
    ngx_connection_t  *c = http->peer.connection;

    ngx_del_timer(&http->timer);

    c->read->handler = ngx_cigna_http_rest_handler;
    c->write->handler = ngx_cigna_http_rest_handler;
}


static void
ngx_cigna_http_rest_handler(ngx_event_t *ev)
{
}


static void
ngx_cigna_http_close(ngx_cigna_http_t *http)
{
    ngx_cigna_timer_stop(&http->timer);

    ngx_cigna_peer_done(&http->peer);

    ngx_cigna_http_wipe(http, &http->out);
}


void
ngx_cigna_http_done(ngx_cigna_http_t *http)
{
    ngx_cigna_http_close(http);

    ngx_cigna_http_wipe(http, &http->in);
}


static void
ngx_cigna_http_wipe(ngx_cigna_http_t *http, ngx_buf_t **b)
{
    if (*b) {
        cigna_secret_wipe((*b)->start, (*b)->end - (*b)->start);

        (void) ngx_pfree(http->pool, (*b)->start);
        *b = NULL;
    }
}
