
#include "cigna_cors.h"


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
    cigna_slice_t  name;

    if (list.len > CIGNA_CORS_NAMES_MAX || list.len == 0) {
        return 0;
    }

    /* a list must not end with a comma */

    if (list.data[list.len - 1] == ',') {
        return 0;
    }

    while (list.len) {

        name = cigna_slice_trim(cigna_slice_cut(&list, ','));

        if (name.len == 0 || !cigna_slice_only(name, CIGNA_SLICE_TOKEN)) {
            return 0;
        }
    }

    return 1;
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
