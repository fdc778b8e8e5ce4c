
#include "ngx_cigna_public_metadata.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"


static cigna_public_metadata_e ngx_cigna_public_metadata_ending(
    cigna_slice_t uri);
static ngx_uint_t ngx_cigna_public_metadata_plain(ngx_http_request_t *r);


ngx_uint_t
ngx_cigna_public_metadata_asked(ngx_http_request_t *r)
{
    size_t                     below;
    cigna_slice_t              uri, name;
    cigna_public_metadata_e    document;
    ngx_http_core_loc_conf_t  *clcf;

    uri = ngx_cigna_slice(&r->uri);
    document = ngx_cigna_public_metadata_ending(uri);

    if (document == cigna_public_metadata_none
        || !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
        || !ngx_cigna_public_metadata_plain(r))
    {
        return 0;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    name = ngx_cigna_slice(&clcf->name);

    /* an exact location, such as "location = /any/metadata" */

    if (cigna_slice_eq(uri, name)) {
        return 1;
    }

    name = cigna_slice_no_slash(name);
    below = uri.len - cigna_public_metadata_path(document).len;

    return below == name.len && cigna_slice_starts(uri, name);
}


static cigna_public_metadata_e
ngx_cigna_public_metadata_ending(cigna_slice_t uri)
{
    cigna_slice_t            path;
    cigna_public_metadata_e  document;

    for (document = cigna_public_metadata_capabilities;
         document <= cigna_public_metadata_configuration;
         document++)
    {
        path = cigna_public_metadata_path(document);

        if (cigna_slice_ends(uri, path)) {
            return document;
        }
    }

    return cigna_public_metadata_none;
}


/* returns 1 if the caller sent r->uri as it is, or a rewrite has set it */

static ngx_uint_t
ngx_cigna_public_metadata_plain(ngx_http_request_t *r)
{
    cigna_slice_t  uri;

    if (!r->valid_unparsed_uri) {
        return 1;
    }

    uri = ngx_cigna_slice(&r->unparsed_uri);

    return cigna_slice_eq(cigna_slice_cut(&uri, '?'), ngx_cigna_slice(&r->uri));
}


ngx_cigna_condition_e
ngx_cigna_public_metadata_leaves(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_gate_out_t *gate)
{
    static ngx_str_t  detail = ngx_string(
        "what is to be sent upstream without a token is neither \"/metadata\" "
        "nor \"/.well-known/smart-configuration\" below \"fhir_base\", write "
        "a \"proxy_pass\" that leads there");

    if (cigna_public_metadata_document(gate->path)
        != cigna_public_metadata_none)
    {
        return ngx_cigna_condition_served;
    }

    return ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_destination_refused,
                               "fhir", &detail);
}


cigna_public_metadata_e
ngx_cigna_public_metadata_document(ngx_cigna_tenant_t *tenant,
    cigna_slice_t uri)
{
    cigna_slice_t  path, base;

    path = cigna_slice_cut(&uri, '?');
    base = cigna_slice_no_slash(tenant->fhir_uri.path);

    if (!cigna_slice_starts(path, base)) {
        return cigna_public_metadata_none;
    }

    return cigna_public_metadata_document(cigna_slice_skip(path, base.len));
}
