
/*
 * Refuses settings of other modules that do not go with cigna_fhir.  For each
 * location, nginx merges the proxy module's configuration before ours.  That
 * module's struct begins with an ngx_http_upstream_conf_t, which this file
 * reads.  A proxy_pass with variables is checked at each request, see
 * ngx_cigna_destination.h.
 */


#include "ngx_cigna_fhir_check.h"
#include "ngx_cigna_conf_filters.h"
#include "ngx_cigna_conf_set_lines.h"
#include "gateway/ngx_cigna_loc_conf.h"


extern ngx_module_t  ngx_http_proxy_module;


static void ngx_cigna_check_handler(ngx_cigna_loc_conf_t *lcf,
    ngx_http_core_loc_conf_t *clcf);
static ngx_int_t ngx_cigna_check_keeping(ngx_conf_t *cf,
    ngx_http_upstream_conf_t *ucf);
static ngx_int_t ngx_cigna_check_transport(ngx_conf_t *cf,
    ngx_http_upstream_conf_t *ucf);
static ngx_int_t ngx_cigna_check_error(ngx_conf_t *cf, const char *text);


ngx_int_t
ngx_cigna_fhir_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_upstream_conf_t  *ucf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    ucf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_proxy_module);

    if (lcf->endpoint) {
        return ngx_cigna_check_error(cf, "is for a location of its own, not "
                                     "for one with cigna_connect, "
                                     "cigna_callback, cigna_status or "
                                     "cigna_disconnect");
    }

    /* an "if" without a proxy_pass keeps the handler of its location */

    if (clcf->handler == NULL && !clcf->noname) {
        return ngx_cigna_check_error(cf, "needs \"proxy_pass\" in the same "
                                     "location");
    }

    if (ngx_cigna_check_keeping(cf, ucf) != NGX_OK
        || (!lcf->insecure_upstream
            && ngx_cigna_check_transport(cf, ucf) != NGX_OK)
        || ngx_cigna_conf_filters_check(cf, lcf) != NGX_OK
        || ngx_cigna_conf_set_lines_check(cf, lcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_cigna_check_handler(lcf, clcf);

    return NGX_OK;
}


/*
 * Replaces the location's content handler, if it has one, by the module's,
 * which calls lcf->content.  Subrequests that nginx clones from a request get
 * the module's handler, too.
 */

static void
ngx_cigna_check_handler(ngx_cigna_loc_conf_t *lcf,
    ngx_http_core_loc_conf_t *clcf)
{
    lcf->name = clcf->name;

    /* the body of a search by POST must fit into memory, also in an "if" */

    clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                            NGX_CIGNA_SEARCH_MAX + 1);

    if (clcf->handler == NULL) {
        return;
    }

    lcf->content = clcf->handler;
    clcf->handler = lcf->fhir_handler;
}


/*
 * Refuses settings that store replies or drop all header lines of requests.
 * Warns about "proxy_next_upstream http_500": Cigna's "not found" is a 500.
 */

static ngx_int_t
ngx_cigna_check_keeping(ngx_conf_t *cf, ngx_http_upstream_conf_t *ucf)
{
#if (NGX_HTTP_CACHE)

    if (ucf->cache > 0) {
        return ngx_cigna_check_error(cf, "does not go with \"proxy_cache\": "
                                     "members' data is kept nowhere; write "
                                     "\"proxy_cache off\"");
    }

#endif

    if (ucf->store > 0 || ucf->store_lengths) {
        return ngx_cigna_check_error(cf, "does not go with \"proxy_store\": "
                                     "members' data is kept nowhere; write "
                                     "\"proxy_store off\"");
    }

    if (!ucf->pass_request_headers) {
        return ngx_cigna_check_error(cf, "does not go with "
                                     "\"proxy_pass_request_headers off\", "
                                     "remove that: only harmless lines pass "
                                     "anyway");
    }

    if (ucf->next_upstream & NGX_HTTP_UPSTREAM_FT_HTTP_500) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"proxy_next_upstream http_500\" takes Cigna's "
                           "\"not found\" for a failure of the server, "
                           "remove \"http_500\"");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_check_transport(ngx_conf_t *cf, ngx_http_upstream_conf_t *ucf)
{
    /* for "http://", newer versions of nginx set ucf->ssl, but no ssl->ctx */

    if (ucf->upstream && (ucf->ssl == NULL || ucf->ssl->ctx == NULL)) {
        return ngx_cigna_check_error(cf, "would send tokens in clear, let "
                                     "\"proxy_pass\" begin with \"https://\" "
                                     "or write \"cigna_insecure_upstream on\"");
    }

    if (!ucf->ssl_verify) {
        return ngx_cigna_check_error(cf, "would send tokens to whoever "
                                     "answers, write \"proxy_ssl_verify on\" "
                                     "and \"proxy_ssl_trusted_certificate\", "
                                     "or \"cigna_insecure_upstream on\"");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_check_error(ngx_conf_t *cf, const char *text)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    return ngx_cigna_conf_error(cf,
        "\"cigna_fhir\" in location \"%V\" %s", &clcf->name, text);
}
