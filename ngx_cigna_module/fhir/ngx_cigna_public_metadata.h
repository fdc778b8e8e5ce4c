
#ifndef _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_
#define _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"
#include "fhir/cigna_public_metadata.h"


/*
 * The two resources of a FHIR server that need no token: /metadata and
 * /.well-known/smart-configuration below its base.
 *
 * The module checks the path twice: in the caller's request, before it
 * evaluates the identity, and in the finished upstream request, before nginx
 * sends it.  So nginx never sends another request without a token, even if
 * proxy_pass or a rewrite has changed the path.
 */


/*
 * Returns 1 if the caller asks for one of the two public metadata documents,
 * with GET or HEAD.  The path must be the location's name followed by the
 * document's path, or the location's name alone if that ends with the
 * document's path.  The caller must have sent this path as it is, without
 * escapes, double slashes and dot segments, or a rewrite must have set it.
 */
ngx_uint_t ngx_cigna_public_metadata_asked(ngx_http_request_t *r);

/*
 * Checks that an upstream request without a token asks for one of the two
 * public metadata documents.  Returns ngx_cigna_condition_served, or logs the
 * reason and returns ngx_cigna_condition_destination_refused.
 */
ngx_cigna_condition_e ngx_cigna_public_metadata_leaves(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_gate_out_t *gate);

/*
 * Returns the document that an upstream request with this URI asks for, or
 * cigna_public_metadata_none.
 */
cigna_public_metadata_e ngx_cigna_public_metadata_document(
    ngx_cigna_tenant_t *tenant, cigna_slice_t uri);


#endif /* _NGX_CIGNA_PUBLIC_METADATA_H_INCLUDED_ */
