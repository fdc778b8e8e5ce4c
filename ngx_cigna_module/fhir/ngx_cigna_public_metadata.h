
#ifndef _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_
#define _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"
#include "fhir/cigna_public_metadata.h"


/*
 * The two resources of a FHIR server that need no token: /metadata and
 * /.well-known/smart-configuration below its base.
 *
 * They are checked twice: in the caller's request, before the identity is asked
 * for, and in the finished upstream request, before it leaves.  So nothing else
 * leaves without a token, whatever proxy_pass and rewrites make of the path.
 */


/*
 * 1 if the caller asks for one of the two: plainly written, without escapes or
 * dot segments, right below the location's name, or as the name of an exact
 * location.
 */
ngx_uint_t ngx_cigna_public_metadata_asked(ngx_http_request_t *r);

/*
 * When the request is about to leave without a token: checks that it leads to
 * one of the two.  ngx_cigna_condition_served, or _destination_refused, which
 * was logged.
 */
ngx_cigna_condition_e ngx_cigna_public_metadata_leaves(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_gate_out_t *gate);

/* the document that the path and query of an upstream request lead to */
cigna_public_metadata_e ngx_cigna_public_metadata_document(
    ngx_cigna_tenant_t *tenant, cigna_slice_t uri);


#endif /* _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_ */
