
#include "ngx_cigna_peer.h"
#include "nginx/ngx_cigna_timer.h"


/* TCP keep-alive: seconds until the first probe, and between probes */

#define NGX_CIGNA_PEER_PROBE_IDLE_S      30
#define NGX_CIGNA_PEER_PROBE_INTERVAL_S  10
#define NGX_CIGNA_PEER_PROBES            3


static void ngx_cigna_peer_quiet(ngx_cigna_peer_t *peer);
static ngx_int_t ngx_cigna_peer_resolve(ngx_cigna_peer_t *peer);
static void ngx_cigna_peer_resolve_handler(ngx_cigna_resolve_t *resolve);
static void ngx_cigna_peer_connect(ngx_cigna_peer_t *peer);
static ngx_int_t ngx_cigna_peer_connect_next(ngx_cigna_peer_t *peer);
static void ngx_cigna_peer_connect_handler(ngx_event_t *ev);
static ngx_int_t ngx_cigna_peer_connected(ngx_cigna_peer_t *peer);
static void ngx_cigna_peer_probe(ngx_connection_t *c);
static ngx_int_t ngx_cigna_peer_handshake(ngx_cigna_peer_t *peer);
static void ngx_cigna_peer_handshake_handler(ngx_connection_t *c);
static ngx_int_t ngx_cigna_peer_handshaked(ngx_cigna_peer_t *peer,
    ngx_int_t rc);
static void ngx_cigna_peer_attempted(ngx_cigna_peer_t *peer, ngx_int_t rc);
static void ngx_cigna_peer_timer_handler(ngx_event_t *ev);
static void ngx_cigna_peer_empty_handler(ngx_event_t *ev);
static void ngx_cigna_peer_finish(ngx_cigna_peer_t *peer, ngx_int_t rc);
static void ngx_cigna_peer_close(ngx_cigna_peer_t *peer);
static void ngx_cigna_peer_errno(ngx_cigna_peer_t *peer, const char *what,
    ngx_err_t err);
static void ngx_cigna_peer_reason(ngx_cigna_peer_t *peer, const char *what,
    const char *why);


ngx_int_t
ngx_cigna_peer_start(ngx_cigna_peer_t *peer)
{
    ngx_event_t  *timer;

    peer->rc = NGX_AGAIN;
    peer->error = NULL;
    peer->connection = NULL;
    peer->tried = 0;

    ngx_cigna_peer_quiet(peer);

    timer = &peer->timer;
    ngx_memzero(timer, sizeof(ngx_event_t));

    ngx_cigna_timer_init(timer, ngx_cigna_peer_timer_handler, peer,
                         &peer->quiet, (peer->cancelable != 0));

    peer->deadline = ngx_current_msec + peer->timeout;
    ngx_add_timer(timer, peer->timeout);

    peer->starting = 1;

    if (ngx_cigna_peer_resolve(peer) == NGX_OK) {
        ngx_cigna_peer_resolve_handler(&peer->resolve);
    }

    peer->starting = 0;

    return peer->rc;
}


/*
 * Hides the lines that nginx itself logs about a failed connection.  Lines at
 * "alert" or above stay, and so do all lines if nginx logs at level "debug".
 */

static void
ngx_cigna_peer_quiet(ngx_cigna_peer_t *peer)
{
    ngx_log_t  *quiet;

    quiet = &peer->quiet;
    *quiet = *peer->log;

    if (quiet->log_level < NGX_LOG_DEBUG) {
        quiet->log_level = ngx_min(quiet->log_level, NGX_LOG_ALERT);
    }
}


static ngx_int_t
ngx_cigna_peer_resolve(ngx_cigna_peer_t *peer)
{
    ngx_cigna_resolve_t  *resolve;

    resolve = &peer->resolve;

    resolve->origin = peer->origin;
    resolve->timeout = peer->timeout;
    resolve->cancelable = peer->cancelable;
    resolve->handler = ngx_cigna_peer_resolve_handler;
    resolve->data = peer;

    return ngx_cigna_resolve_start(resolve);
}


static void
ngx_cigna_peer_resolve_handler(ngx_cigna_resolve_t *resolve)
{
    ngx_cigna_peer_t  *peer = resolve->data;

    if (resolve->naddrs == 0 || resolve->reason) {
        ngx_cigna_peer_reason(peer, "name could not be resolved",
                              resolve->reason);

        ngx_log_error(NGX_LOG_INFO, peer->log, 0, "%V: %s",
                      &peer->origin->name, peer->error);
    }

    ngx_cigna_peer_connect(peer);
}


/*
 * Tries one address after the other.  An address that does not answer gets an
 * equal share of the time that is left, so that the others can be tried.
 */

static void
ngx_cigna_peer_connect(ngx_cigna_peer_t *peer)
{
    ngx_int_t   rc;
    ngx_msec_t  left;

    left = ngx_cigna_timer_left(peer->deadline);

    if (peer->tried == peer->resolve.naddrs || left == 0) {

        if (peer->error == NULL) {
            peer->error = "timed out while resolving the name";
        }

        ngx_cigna_peer_finish(peer, NGX_ERROR);
        return;
    }

    ngx_cigna_timer_stop(&peer->timer);

    ngx_add_timer(&peer->timer, left / (peer->resolve.naddrs - peer->tried));

    rc = ngx_cigna_peer_connect_next(peer);

    if (rc == NGX_OK) {
        rc = ngx_cigna_peer_connected(peer);
    }

    ngx_cigna_peer_attempted(peer, rc);
}


static ngx_int_t
ngx_cigna_peer_connect_next(ngx_cigna_peer_t *peer)
{
    ngx_int_t               rc;
    ngx_uint_t              n;
    ngx_connection_t       *c;
    ngx_peer_connection_t  *pc;

    n = peer->tried++;
    peer->error = NULL;

    pc = &peer->pc;
    ngx_memzero(pc, sizeof(ngx_peer_connection_t));

    pc->sockaddr = &peer->resolve.sockaddrs[n].sockaddr;
    pc->socklen = peer->resolve.socklens[n];

    peer->addr_text.data = peer->addr_mem;
    peer->addr_text.len = ngx_sock_ntop(pc->sockaddr, pc->socklen,
                                        peer->addr_mem, NGX_SOCKADDR_STRLEN,
                                        1);
    pc->name = &peer->addr_text;
    pc->get = ngx_event_get_peer;
    pc->log = &peer->quiet;
    pc->log_error = NGX_ERROR_INFO;

    rc = ngx_event_connect_peer(pc);

    c = pc->connection;

    if (c == NULL) {

        if (rc == NGX_DECLINED) {
            ngx_cigna_peer_errno(peer, "connect() failed", ngx_socket_errno);

        } else {
            peer->error = "no socket or connection is free";
        }

        return NGX_ERROR;
    }

    c->data = peer;
    c->read->handler = ngx_cigna_peer_connect_handler;
    c->write->handler = ngx_cigna_peer_connect_handler;

    return rc;
}


static void
ngx_cigna_peer_connect_handler(ngx_event_t *ev)
{
    int                err;
    socklen_t          len;
    ngx_int_t          rc;
    ngx_connection_t  *c = ev->data;
    ngx_cigna_peer_t  *peer = c->data;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (c->close) {
        peer->error = "worker is shutting down";
        peer->tried = peer->resolve.naddrs;
        rc = NGX_ERROR;

    } else if (err) {
        ngx_cigna_peer_errno(peer, "connect() failed", err);
        rc = NGX_ERROR;

    } else if (!c->write->ready) {
        return;

    } else {
        rc = ngx_cigna_peer_connected(peer);
    }

    ngx_cigna_peer_attempted(peer, rc);
}


static ngx_int_t
ngx_cigna_peer_connected(ngx_cigna_peer_t *peer)
{
    ngx_connection_t  *c = peer->pc.connection;

    if (peer->pc.sockaddr->sa_family != AF_UNIX) {

        if (ngx_tcp_nodelay(c) != NGX_OK) {
            peer->error = "setsockopt(TCP_NODELAY) failed";
            return NGX_ERROR;
        }

        if (peer->keepalive) {
            ngx_cigna_peer_probe(c);
        }
    }

    if (peer->origin->ssl) {
        return ngx_cigna_peer_handshake(peer);
    }

    return NGX_OK;
}


/*
 * Turns on TCP keep-alive.  Without keep-alive, only the next request would
 * notice that an idle peer is gone, and would wait until its deadline.  This
 * function ignores errors, because the connection works without keep-alive.
 */

static void
ngx_cigna_peer_probe(ngx_connection_t *c)
{
    int  on;

    on = 1;

    (void) setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int));

#if (NGX_HAVE_KEEPALIVE_TUNABLE)
    {
    int  idle, interval, count;

    idle = NGX_CIGNA_PEER_PROBE_IDLE_S;
    interval = NGX_CIGNA_PEER_PROBE_INTERVAL_S;
    count = NGX_CIGNA_PEER_PROBES;

    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(int));
    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
                      sizeof(int));
    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(int));
    }
#endif
}


static ngx_int_t
ngx_cigna_peer_handshake(ngx_cigna_peer_t *peer)
{
    ngx_int_t            rc;
    ngx_connection_t    *c = peer->pc.connection;
    ngx_cigna_origin_t  *origin = peer->origin;

    c->pool = ngx_create_pool(128, c->log);

    if (c->pool == NULL
        || ngx_ssl_create_connection(origin->ssl, c, NGX_SSL_CLIENT) != NGX_OK)
    {
        peer->error = "no memory for TLS";
        return NGX_ERROR;
    }

    rc = ngx_cigna_tls_start(&peer->tls, c, &origin->tls_name,
                             ngx_cigna_peer_handshake_handler);

    return ngx_cigna_peer_handshaked(peer, rc);
}


static void
ngx_cigna_peer_handshake_handler(ngx_connection_t *c)
{
    ngx_int_t          rc;
    ngx_cigna_peer_t  *peer = c->data;

    rc = ngx_cigna_tls_result(&peer->tls, c);
    rc = ngx_cigna_peer_handshaked(peer, rc);

    ngx_cigna_peer_attempted(peer, rc);
}


static ngx_int_t
ngx_cigna_peer_handshaked(ngx_cigna_peer_t *peer, ngx_int_t rc)
{
    if (rc == NGX_ERROR) {
        ngx_cigna_peer_reason(peer, peer->tls.error, peer->tls.reason);
    }

    return rc;
}


/* rc is the result for one address; after a failure, tries the next address */

static void
ngx_cigna_peer_attempted(ngx_cigna_peer_t *peer, ngx_int_t rc)
{
    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_OK) {
        ngx_cigna_peer_finish(peer, NGX_OK);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, peer->log, 0, "%V, %V: %s",
                  &peer->origin->name, &peer->addr_text, peer->error);

    ngx_cigna_peer_close(peer);
    ngx_cigna_peer_connect(peer);
}


static void
ngx_cigna_peer_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;
    ngx_cigna_peer_t  *peer = ev->data;

    c = peer->pc.connection;

    if (c == NULL) {
        peer->error = "timed out while resolving the name";
        ngx_cigna_peer_finish(peer, NGX_ERROR);
        return;
    }

    peer->error = (c->ssl ? "timed out in the TLS handshake"
                          : "timed out while connecting");

    ngx_cigna_peer_attempted(peer, NGX_ERROR);
}


/* the connection's handler until the caller has set its own handlers */

static void
ngx_cigna_peer_empty_handler(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "cigna peer empty handler");
}


static void
ngx_cigna_peer_finish(ngx_cigna_peer_t *peer, ngx_int_t rc)
{
    ngx_connection_t  *c;

    peer->rc = rc;

    if (rc == NGX_OK) {
        c = peer->pc.connection;

        c->read->handler = ngx_cigna_peer_empty_handler;
        c->write->handler = ngx_cigna_peer_empty_handler;

        peer->connection = c;
        peer->error = NULL;

        ngx_del_timer(&peer->timer);

    } else {
        ngx_cigna_peer_done(peer);
    }

    if (!peer->starting) {
        peer->handler(peer);
    }
}


void
ngx_cigna_peer_done(ngx_cigna_peer_t *peer)
{
    ngx_cigna_resolve_done(&peer->resolve);

    ngx_cigna_timer_stop(&peer->timer);

    ngx_cigna_peer_close(peer);
}


const char *
ngx_cigna_peer_broken(ngx_cigna_peer_t *peer, const char *what)
{
    if (peer->connection->ssl) {
        return what;
    }

    ngx_cigna_peer_errno(peer, what, ngx_socket_errno);

    return peer->error;
}


static void
ngx_cigna_peer_close(ngx_cigna_peer_t *peer)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c = peer->pc.connection;

    if (c == NULL) {
        return;
    }

    peer->pc.connection = NULL;
    peer->connection = NULL;

    if (c->ssl) {
        ngx_cigna_tls_close(c);
    }

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}


static void
ngx_cigna_peer_errno(ngx_cigna_peer_t *peer, const char *what, ngx_err_t err)
{
    u_char  *p, text[NGX_CIGNA_PEER_ERROR_MAX];

    p = ngx_strerror(err, text, NGX_CIGNA_PEER_ERROR_MAX - 1);
    *p = '\0';

    ngx_cigna_peer_reason(peer, what, (char *) text);
}


/* sets peer->error to "what (why)"; "why" may be NULL */

static void
ngx_cigna_peer_reason(ngx_cigna_peer_t *peer, const char *what,
    const char *why)
{
    u_char  *p;

    if (why == NULL) {
        peer->error = what;
        return;
    }

    p = ngx_snprintf(peer->error_mem, NGX_CIGNA_PEER_ERROR_MAX - 1, "%s (%s)",
                     what, why);
    *p = '\0';

    peer->error = (char *) peer->error_mem;
}
