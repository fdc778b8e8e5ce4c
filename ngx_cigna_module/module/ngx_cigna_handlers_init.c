
#include "ngx_cigna_handlers.h"
#include "dance/ngx_cigna_scrub.h"
#include "fhir/ngx_cigna_destination.h"
#include "fhir/ngx_cigna_fhir.h"
#include "filter/ngx_cigna_filter.h"
#include "request/ngx_cigna_cors.h"
#include "request/ngx_cigna_page.h"
#include "gateway/ngx_cigna_main_conf.h"


static ngx_int_t ngx_cigna_handlers_push(ngx_conf_t *cf,
    ngx_http_phases phase, ngx_http_handler_pt handler);


ngx_int_t
ngx_cigna_handlers_init(ngx_conf_t *cf)
{
    ngx_str_t               name;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);

    ngx_str_set(&name, "request_id");

    mcf->request_id = ngx_http_get_variable_index(cf, &name);
    if (mcf->request_id == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_cigna_page_init(cf, mcf) != NGX_OK
        || ngx_cigna_destination_init(cf) != NGX_OK
        || ngx_cigna_filter_init(cf) != NGX_OK
        || ngx_cigna_scrub_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * nginx runs the handler that was added last to a phase first.  So URLs are
     * scrubbed before rewrites, preflights are answered before limits, and the
     * decision about tokens comes before mirrors and try_files.
     */

    if (ngx_cigna_handlers_push(cf, NGX_HTTP_REWRITE_PHASE,
                                ngx_cigna_scrub_handler)
            != NGX_OK
        || ngx_cigna_handlers_push(cf, NGX_HTTP_PREACCESS_PHASE,
                                   ngx_cigna_cors_handler)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_handlers_push(cf, NGX_HTTP_PRECONTENT_PHASE,
                                   ngx_cigna_fhir_handler);
}


static ngx_int_t
ngx_cigna_handlers_push(ngx_conf_t *cf, ngx_http_phases phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}
