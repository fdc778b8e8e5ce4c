
#include "ngx_cigna_fetch_use.h"


static ngx_uint_t ngx_cigna_fetch_use_line(ngx_table_elt_t *h);


ngx_uint_t
ngx_cigna_fetch_use_runs(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            /* "Sec-Fetch-Dest" and "Service-Worker" are both so long */

            if (h[i].key.len == 14 && ngx_cigna_fetch_use_line(&h[i])) {
                return 1;
            }
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
