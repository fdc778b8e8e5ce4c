
#ifndef _NGX_CIGNA_SHARED_H_INCLUDED_
#define _NGX_CIGNA_SHARED_H_INCLUDED_


#include "ngx_cigna_conf.h"

#include "fhir/cigna_link_filter.h"
#include "oauth/cigna_provider.h"


/*
 * The part that tenants share if they have the same servers and reach them in
 * the same way.  So a worker resolves names, reads Cigna's metadata and fetches
 * Cigna's keys only once, even for 10,000 tenants.
 */

struct ngx_cigna_shared_s {
    ngx_array_t                tenants;    /* ngx_cigna_tenant_t *, at least
                                              one */
    ngx_array_t                origins;    /* ngx_cigna_origin_t *, each once:
                                              of fhir_base and of the configured
                                              token_endpoint, jwks_uri and
                                              revocation_endpoint */
    cigna_bases_t              bases;      /* the base URLs of links in
                                              replies */

    /* set and changed by the worker */
    cigna_issuer_keys_t        keys;
    struct ngx_cigna_discovery_s  *discovery;
    ngx_array_t                announced;  /* ngx_cigna_origin_t *, that are
                                              not configured, but named in
                                              metadata */
};


#endif /* _NGX_CIGNA_SHARED_H_INCLUDED_ */
