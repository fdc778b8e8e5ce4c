
#include "ngx_cigna_conf_value.h"


ngx_uint_t
ngx_cigna_conf_name(const ngx_str_t *s, const char *others, size_t max)
{
    return s->len > 0 && s->len <= max
           && cigna_slice_only(ngx_cigna_slice(s), others);
}


ngx_http_complex_value_t *
ngx_cigna_conf_value(ngx_conf_t *cf, ngx_str_t *text)
{
    ngx_http_complex_value_t          *value;
    ngx_http_compile_complex_value_t   ccv;

    value = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (value == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? value : NULL;
}
