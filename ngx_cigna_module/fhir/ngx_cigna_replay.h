
#ifndef _NGX_CIGNA_REPLAY_H_INCLUDED_
#define _NGX_CIGNA_REPLAY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Ends the upstream request after its reply's header was read, but not the
 * caller's request.  The event loop then calls "resume", which holds one
 * reference to the request and can send it to the upstream once more.  The
 * module never sends a request body upstream, so every request can be repeated.
 * If there is no memory, the request ends with status 500 instead.
 *
 * Always returns NGX_ERROR, which process_header() must return.
 */
ngx_int_t ngx_cigna_replay(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_http_event_handler_pt resume);


#endif /* _NGX_CIGNA_REPLAY_H_INCLUDED_ */
