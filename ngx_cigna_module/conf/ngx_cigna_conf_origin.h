
#ifndef _NGX_CIGNA_CONF_ORIGIN_H_INCLUDED_
#define _NGX_CIGNA_CONF_ORIGIN_H_INCLUDED_


#include "net/ngx_cigna_origin.h"

#include "base/cigna_slice.h"


/*
 * In postconfiguration: gives the resolver of the http block, and its timeout.
 * *resolver is NULL if the block has no resolver, or has "resolver off".
 */
void ngx_cigna_conf_resolver(ngx_conf_t *cf, ngx_resolver_t **resolver,
    ngx_msec_t *timeout);

/*
 * Sets the origin's host to a copy of host in lower case.  nginx's resolver
 * changes the case of a name in place, and the configured string must stay as
 * it is.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_conf_host(ngx_conf_t *cf, ngx_cigna_origin_t *origin,
    cigna_slice_t host);


#endif /* _NGX_CIGNA_CONF_ORIGIN_H_INCLUDED_ */
