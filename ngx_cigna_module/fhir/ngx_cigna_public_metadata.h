
#ifndef _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_
#define _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_public_metadata.h"


/*
 * What everybody may ask of a FHIR server, and so without a token: /metadata
 * and /.well-known/smart-configuration below its base, two resources and
 * nothing else.
 *
 * It is decided twice: by what the caller has asked for, before anything else
 * is asked of him, and by the finished request, before it leaves.  Whatever
 * proxy_pass and its like make of a path between the two, without a token none
 * but these leave.
 */


/*
 * Before the identity is asked for: 1 if the request is for one of the two.
 * They must be written as they are, nothing escaped and nothing to be folded,
 * right below the location or as the name of an exact one.
 */
ngx_uint_t ngx_cigna_public_metadata_asked(ngx_http_request_t *r);

/* what the path and query of a request to the tenant's FHIR base lead to */
cigna_public_metadata_e ngx_cigna_public_metadata_document(
    ngx_cigna_tenant_t *tenant, cigna_slice_t uri);


#endif /* _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_ */
