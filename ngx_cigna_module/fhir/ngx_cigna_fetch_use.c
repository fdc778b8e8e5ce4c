
#include "ngx_cigna_fetch_use.h"


static ngx_uint_t ngx_cigna_fetch_use_line(ngx_table_elt_t *h);


ngx_uint_t
ngx_cigna_fetch_use_runs(ngx_http_request_t *r)
{
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    header = ngx_cigna_header(&r->headers_in.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        /* the length of "Sec-Fetch-Dest" and of "Service-Worker" */

        if (h->key.len == 14 && ngx_cigna_fetch_use_line(h)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_cigna_fetch_use_line(ngx_table_elt_t *h)
{
    const char *const        *use;
    static const char *const  uses[] = {
        "script", "style", "xslt", "worker", "sharedworker", "serviceworker",
        "audioworklet", "paintworklet", NULL
    };

    if (cigna_slice_named(ngx_cigna_slice(&h->key), "service-worker")) {
        return 1;
    }

    if (!cigna_slice_named(ngx_cigna_slice(&h->key), "sec-fetch-dest")) {
        return 0;
    }

    for (use = uses; *use; use++) {
        if (cigna_slice_eq_case(ngx_cigna_slice(&h->value),
                                cigna_slice_str(*use)))
        {
            return 1;
        }
    }

    return 0;
}
