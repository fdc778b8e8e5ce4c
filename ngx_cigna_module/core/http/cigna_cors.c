
#include "cigna_cors.h"


static int cigna_cors_name(cigna_slice_t name);


int
cigna_cors_origin_parse(cigna_slice_t text, cigna_uri_t *origin,
    const char **error)
{
    if (cigna_slice_eq(text, cigna_slice("*"))) {
        *error = "would let every page read members' data, write the app's "
                 "own origins, as \"https://app.example\"";
        return CIGNA_ERROR;
    }

    if (cigna_slice_eq_case(text, cigna_slice("null"))) {
        *error = "is the origin of every sandboxed frame, write the app's own "
                 "origins, as \"https://app.example\"";
        return CIGNA_ERROR;
    }

    if (cigna_uri_parse(text, origin) != CIGNA_OK) {
        *error = "is not an origin, write \"https://host\" or "
                 "\"https://host:port\"";
        return CIGNA_ERROR;
    }

    if (origin->path.len || origin->has_query) {
        *error = "has more than an origin, write \"https://host\" or "
                 "\"https://host:port\", without a path and without a last "
                 "\"/\"";
        return CIGNA_ERROR;
    }

    if (!origin->https && !cigna_uri_loopback(origin)) {
        *error = "is sent without TLS and can be forged on the network, let "
                 "it begin with \"https://\"";
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


int
cigna_cors_names(cigna_slice_t list)
{
    if (list.len > CIGNA_CORS_NAMES_MAX || list.len == 0) {
        return 0;
    }

    /* a comma at the end would have no name after it */

    if (list.data[list.len - 1] == ',') {
        return 0;
    }

    while (list.len) {
        if (!cigna_cors_name(cigna_slice_trim(cigna_slice_cut(&list, ',')))) {
            return 0;
        }
    }

    return 1;
}


static int
cigna_cors_name(cigna_slice_t name)
{
    size_t  i;

    for (i = 0; i < name.len; i++) {
        if (!cigna_slice_token(name.data[i])) {
            return 0;
        }
    }

    return name.len != 0;
}


int
cigna_cors_line(cigna_slice_t name)
{
    cigna_slice_t  prefix;

    prefix = cigna_slice("access-control-");

    if (name.len <= prefix.len) {
        return 0;
    }

    name.len = prefix.len;

    return cigna_slice_eq_case(name, prefix);
}
