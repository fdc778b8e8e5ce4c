
#include "ngx_cigna_handlers.h"
#include "dance/ngx_cigna_scrub.h"
#include "fhir/ngx_cigna_destination.h"
#include "fhir/ngx_cigna_fhir.h"
#include "filter/ngx_cigna_filter.h"
#include "request/ngx_cigna_cors.h"
#include "request/ngx_cigna_page.h"
#include "gateway/ngx_cigna_main_conf.h"


typedef struct {
    ngx_http_phases      phase;
    ngx_http_handler_pt  handler;
} ngx_cigna_phase_handler_t;


/*
 * nginx runs the handler that was added last to a phase first.  So the module
 * removes code and state from URLs before rewrites, answers preflights before
 * limits, and decides about tokens before mirrors and try_files.
 */

static const ngx_cigna_phase_handler_t  ngx_cigna_phase_handlers[] = {
    { NGX_HTTP_REWRITE_PHASE, ngx_cigna_scrub_handler },
    { NGX_HTTP_PREACCESS_PHASE, ngx_cigna_cors_handler },
    { NGX_HTTP_PRECONTENT_PHASE, ngx_cigna_fhir_handler },
    { 0, NULL }
};


ngx_int_t
ngx_cigna_handlers_init(ngx_conf_t *cf)
{
    ngx_str_t                         name;
    ngx_http_handler_pt              *h;
    ngx_cigna_main_conf_t            *mcf;
    ngx_http_core_main_conf_t        *cmcf;
    const ngx_cigna_phase_handler_t  *ph;

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

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    for (ph = ngx_cigna_phase_handlers; ph->handler; ph++) {

        h = ngx_array_push(&cmcf->phases[ph->phase].handlers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = ph->handler;
    }

    return NGX_OK;
}
