
/*
 * A list has the lines of proxy_set_header of one level.  All locations that
 * inherit a list share it, so each line is compiled once, and its warning is
 * logged once.  If no location with cigna_fhir has a list, the list is not
 * compiled, and only the proxy module reports errors in it.
 */


#include "ngx_cigna_conf_set_lines.h"
#include "ngx_cigna_conf_value.h"
#include "gateway/ngx_cigna_loc_conf.h"


static char *ngx_cigna_conf_set_line_check(ngx_conf_t *cf,
    ngx_cigna_set_line_t *line, ngx_str_t *value);
static ngx_int_t ngx_cigna_conf_set_line_value(ngx_conf_t *cf,
    ngx_cigna_set_line_t *line, ngx_str_t *value, ngx_str_t *location);
static ngx_uint_t ngx_cigna_conf_set_line_token(const ngx_str_t *name);
static ngx_uint_t ngx_cigna_conf_set_line_odd(const ngx_str_t *name);
static ngx_uint_t ngx_cigna_conf_set_line_dropped(const ngx_str_t *name);


char *
ngx_cigna_conf_set_lines_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    char                  *rv;
    cigna_slice_t         *names;
    ngx_cigna_notice_t    *notice;
    ngx_cigna_set_line_t  *line;

    static const ngx_str_t  name = ngx_string("proxy_set_header");

    if (lcf->set_lines == NULL) {
        return NGX_CONF_OK;
    }

    names = ngx_palloc(cf->pool, lcf->set_lines->nelts * sizeof(cigna_slice_t));
    if (names == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->set_names = names;

    rv = NGX_CONF_OK;
    line = lcf->set_lines->elts;

    for (notice = ngx_cigna_notice_find(lcf, &name);
         notice && rv == NGX_CONF_OK;
         notice = ngx_cigna_notice_next(notice))
    {
        ngx_cigna_place_enter(cf, notice->place);
        rv = ngx_cigna_conf_set_line_check(cf, line, &notice->args[2]);
        ngx_cigna_place_leave(cf, notice->place);

        *names++ = ngx_cigna_slice(&line->name);
        lcf->set_values |= (line->value != NULL || line->odd);
        line++;
    }

    return rv;
}


static char *
ngx_cigna_conf_set_line_check(ngx_conf_t *cf, ngx_cigna_set_line_t *line,
    ngx_str_t *value)
{
    ngx_str_t                 *location;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    location = &clcf->name;

    if (!ngx_cigna_conf_set_line_token(&line->name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"proxy_set_header\" has the name \"%V\", which "
                           "no request of location \"%V\" with \"cigna_fhir\" "
                           "may have, write one of letters, digits and \"-\"",
                           &line->name, location);
        return NGX_CONF_ERROR;
    }

    if (ngx_cigna_conf_set_line_value(cf, line, value, location) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    line->odd = ngx_cigna_conf_set_line_odd(&line->name);

    if (value->len && !line->warned
        && ngx_cigna_conf_set_line_dropped(&line->name))
    {
        line->warned = 1;

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"proxy_set_header %V\" is not sent where "
                           "\"cigna_fhir\" is on, as in location \"%V\": the "
                           "gateway decides about that line, remove it there",
                           &line->name, location);
    }

    if (line->value == NULL && ngx_http_script_variables_count(value)) {

        line->value = ngx_cigna_conf_value(cf, value);
        if (line->value == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_cigna_conf_set_line_value(ngx_conf_t *cf, ngx_cigna_set_line_t *line,
    ngx_str_t *value, ngx_str_t *location)
{
    /* the text between variables is part of every value: check it now */

    if (!cigna_slice_plain(ngx_cigna_slice(value))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"proxy_set_header %V\" has a control byte in its "
                           "value, which no request of location \"%V\" with "
                           "\"cigna_fhir\" may have, write the value without "
                           "it", &line->name, location);
        return NGX_ERROR;
    }

    if (ngx_strstr(value->data, "$request_body")
        || ngx_strstr(value->data, "${request_body"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"proxy_set_header %V\" has \"$request_body\" in "
                           "its value, which no request of location \"%V\" "
                           "with \"cigna_fhir\" may have, as no body leaves; "
                           "write the value without it", &line->name,
                           location);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* 1 if the name is a token (RFC 9110, section 5.6.2) */

static ngx_uint_t
ngx_cigna_conf_set_line_token(const ngx_str_t *name)
{
    return name->len > 0
           && cigna_slice_only(ngx_cigna_slice(name), CIGNA_SLICE_TOKEN);
}


/*
 * 1 if the name has a byte that nginx calls invalid, and leaves out when it
 * hashes the name of a caller's line.  With "ignore_invalid_headers off" nginx
 * then fails to find the operator's line, which should replace the caller's.
 */

static ngx_uint_t
ngx_cigna_conf_set_line_odd(const ngx_str_t *name)
{
    return !cigna_slice_only(ngx_cigna_slice(name), "-");
}


static ngx_uint_t
ngx_cigna_conf_set_line_dropped(const ngx_str_t *name)
{
    const ngx_str_t  *d;

    static const ngx_str_t  dropped[] = {
        ngx_string("Authorization"),
        ngx_string("Cookie"),
        ngx_string("Proxy-Authorization"),
        ngx_null_string
    };

    for (d = dropped; d->len; d++) {

        if (d->len == name->len
            && ngx_strncasecmp(d->data, name->data, d->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
