
#include "ngx_cigna_conf_set_lines.h"
#include "ngx_cigna_conf_value.h"
#include "gateway/ngx_cigna_loc_conf.h"


static ngx_int_t ngx_cigna_conf_set_line(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_notice_t *notice);
static ngx_int_t ngx_cigna_conf_set_line_add(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf, ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_cigna_conf_set_line_check(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *location);
static ngx_uint_t ngx_cigna_conf_set_line_dropped(cigna_slice_t name);


ngx_int_t
ngx_cigna_conf_set_lines_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t            rc;
    ngx_cigna_notice_t  *notice;

    notice = ngx_cigna_notice_find(lcf, "proxy_set_header");
    if (notice == NULL) {
        return NGX_OK;
    }

    lcf->set_names = ngx_array_create(cf->pool, 4, sizeof(cigna_slice_t));
    lcf->set_lines = ngx_array_create(cf->pool, 4,
                                      sizeof(ngx_cigna_set_line_t));

    if (lcf->set_names == NULL || lcf->set_lines == NULL) {
        return NGX_ERROR;
    }

    for (rc = NGX_OK; notice && rc == NGX_OK; ) {
        ngx_cigna_place_enter(cf, notice->place);
        rc = ngx_cigna_conf_set_line(cf, lcf, notice);
        ngx_cigna_place_leave(cf, notice->place);

        notice = ngx_cigna_notice_next(notice);
    }

    return rc;
}


/*
 * checks a line of proxy_set_header and adds it to lcf; warns about a line
 * once, even if several locations inherit it
 */

static ngx_int_t
ngx_cigna_conf_set_line(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_notice_t *notice)
{
    ngx_str_t                 *name, *value;
    cigna_slice_t             *slot;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    name = &notice->args[1];
    value = &notice->args[2];

    if (ngx_cigna_conf_set_line_check(cf, name, value, &clcf->name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (value->len && !notice->place->warned
        && ngx_cigna_conf_set_line_dropped(ngx_cigna_slice(name)))
    {
        notice->place->warned = 1;

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"proxy_set_header %V\" is not sent where "
                           "\"cigna_fhir\" is on, as in location \"%V\": the "
                           "gateway decides about that line, remove it there",
                           name, &clcf->name);
    }

    slot = ngx_array_push(lcf->set_names);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = ngx_cigna_slice(name);

    return ngx_cigna_conf_set_line_add(cf, lcf, name, value);
}


static ngx_int_t
ngx_cigna_conf_set_line_add(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_uint_t             odd, variables;
    ngx_cigna_set_line_t  *line;

    /*
     * When nginx hashes the name of a caller's line, it leaves out the bytes
     * that it calls invalid.  With "ignore_invalid_headers off" nginx then
     * fails to find the operator's line, which should replace the caller's.
     */

    odd = !ngx_cigna_conf_name(name, "-", name->len);
    variables = ngx_http_script_variables_count(value);

    if (!odd && !variables) {
        return NGX_OK;
    }

    line = ngx_array_push(lcf->set_lines);
    if (line == NULL) {
        return NGX_ERROR;
    }

    line->name = *name;
    line->odd = odd;
    line->value = variables ? ngx_cigna_conf_value(cf, value) : NULL;

    return (variables && line->value == NULL) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_set_line_check(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *location)
{
    /* the name must be a token (RFC 9110, section 5.6.2) */

    if (!ngx_cigna_conf_name(name, CIGNA_SLICE_TOKEN, name->len)) {
        return ngx_cigna_conf_error(cf,
            "\"proxy_set_header\" has the name \"%V\", which no request of "
            "location \"%V\" with \"cigna_fhir\" may have, write one of "
            "letters, digits and \"-\"", name, location);
    }

    /* the text between variables is part of every value: check it now */

    if (!cigna_slice_plain(ngx_cigna_slice(value))) {
        return ngx_cigna_conf_error(cf,
            "\"proxy_set_header %V\" has a control byte in its value, which no "
            "request of location \"%V\" with \"cigna_fhir\" may have, write "
            "the value without it", name, location);
    }

    if (ngx_strstr(value->data, "$request_body")
        || ngx_strstr(value->data, "${request_body"))
    {
        return ngx_cigna_conf_error(cf,
            "\"proxy_set_header %V\" has \"$request_body\" in its value, which "
            "no request of location \"%V\" with \"cigna_fhir\" may have, as no "
            "body leaves; write the value without it", name, location);
    }

    return NGX_OK;
}


/* 1 if the gateway drops lines of this name, whatever the operator sets */

static ngx_uint_t
ngx_cigna_conf_set_line_dropped(cigna_slice_t name)
{
    return cigna_slice_eq_case(name, cigna_slice("Authorization"))
           || cigna_slice_eq_case(name, cigna_slice("Cookie"))
           || cigna_slice_eq_case(name, cigna_slice("Proxy-Authorization"));
}
