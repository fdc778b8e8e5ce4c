
#include "ngx_cigna_conf_filters.h"


#define NGX_CIGNA_WHY_BODIES  "which interprets or changes bodies"


static ngx_int_t ngx_cigna_conf_filter_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf, const ngx_cigna_rule_t *rule);
static ngx_int_t ngx_cigna_conf_charset_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);
static ngx_uint_t ngx_cigna_conf_charset_mapped(ngx_cigna_loc_conf_t *lcf,
    const ngx_str_t *from, const ngx_str_t *to);
static ngx_uint_t ngx_cigna_conf_charset_eq(const ngx_str_t *name,
    const ngx_str_t *other);
static ngx_int_t ngx_cigna_conf_filter_error(ngx_conf_t *cf,
    ngx_cigna_notice_t *notice, const char *why, const char *write);


ngx_int_t
ngx_cigna_conf_filters_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    const ngx_cigna_rule_t  *rule;

    for (rule = ngx_cigna_rules; rule->name; rule++) {

        if (rule->off != ngx_cigna_off_judged
            && ngx_cigna_conf_filter_check(cf, lcf, rule) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_cigna_conf_charset_check(cf, lcf);
}


static ngx_int_t
ngx_cigna_conf_filter_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf,
    const ngx_cigna_rule_t *rule)
{
    ngx_cigna_notice_t  *notice;

    notice = ngx_cigna_notice_find(lcf, rule->name);

    while (notice && ngx_cigna_notice_is_off(notice)) {
        notice = ngx_cigna_notice_next(notice);
    }

    if (notice == NULL) {
        return NGX_OK;
    }

    return ngx_cigna_conf_filter_error(cf, notice,
                                       rule->why ? rule->why
                                                 : NGX_CIGNA_WHY_BODIES,
                                       rule->write);
}


/*
 * "charset" alone only names a charset in Content-Type.  If there is also a
 * "charset_map" between the reply's charset and the one in "charset", nginx
 * recodes the body.  If a reply names no charset, nginx uses "source_charset".
 * If a reply names a charset, nginx recodes it only with "override_charset on".
 * A charset that is a variable may have any value.
 */

static ngx_int_t
ngx_cigna_conf_charset_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t           *to;
    ngx_cigna_notice_t  *charset, *source, *override;

    charset = ngx_cigna_notice_find(lcf, "charset");

    if (charset == NULL || ngx_strcmp(charset->args[1].data, "off") == 0) {
        return NGX_OK;
    }

    to = &charset->args[1];
    source = ngx_cigna_notice_find(lcf, "source_charset");
    override = ngx_cigna_notice_find(lcf, "override_charset");

    if ((source != NULL
         && ngx_cigna_conf_charset_mapped(lcf, &source->args[1], to))
        || (override != NULL
            && ngx_strcasecmp(override->args[1].data, (u_char *) "on") == 0
            && ngx_cigna_conf_charset_mapped(lcf, NULL, to)))
    {
        return ngx_cigna_conf_filter_error(cf, charset, "which recodes bodies "
                                           "there", "charset off;");
    }

    return NGX_OK;
}


/*
 * 1 if there is a "charset_map" for the two charsets, in either direction.
 * If from is NULL, it stands for any charset.
 */

static ngx_uint_t
ngx_cigna_conf_charset_mapped(ngx_cigna_loc_conf_t *lcf,
    const ngx_str_t *from, const ngx_str_t *to)
{
    ngx_str_t           *one, *two;
    ngx_cigna_notice_t  *map;

    for (map = ngx_cigna_notice_find(lcf, "charset_map");
         map;
         map = ngx_cigna_notice_next(map))
    {
        one = &map->args[1];
        two = &map->args[2];

        if ((ngx_cigna_conf_charset_eq(from, one)
             && ngx_cigna_conf_charset_eq(to, two))
            || (ngx_cigna_conf_charset_eq(from, two)
                && ngx_cigna_conf_charset_eq(to, one)))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_cigna_conf_charset_eq(const ngx_str_t *name, const ngx_str_t *other)
{
    return name == NULL || name->data[0] == '$'
           || cigna_slice_eq_case(ngx_cigna_slice(name),
                                  ngx_cigna_slice(other));
}


static ngx_int_t
ngx_cigna_conf_filter_error(ngx_conf_t *cf, ngx_cigna_notice_t *notice,
    const char *why, const char *write)
{
    ngx_str_t                 *name, *file;
    ngx_uint_t                 line;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    name = &notice->args[0];
    file = &notice->place->file.file.name;
    line = notice->place->file.line;

    if (write) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cigna_fhir\" in location \"%V\" does not go "
                           "with \"%V\" in %V:%ui, %s; write \"%s\" in the "
                           "%s, or remove that line if it stands there",
                           &clcf->name, name, file, line, why, write,
                           clcf->noname ? "block" : "location");

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cigna_fhir\" in location \"%V\" does not go "
                           "with \"%V\" in %V:%ui, %s and cannot be turned "
                           "off; remove it, or move it to the locations that "
                           "need it",
                           &clcf->name, name, file, line, why);
    }

    return NGX_ERROR;
}
