
#include "cigna_base.h"


#define CIGNA_BASE_PORT_LEN  (sizeof(":65535") - 1)


static size_t cigna_base_parse(const cigna_bases_t *bases, cigna_slice_t url,
    int cut);
static size_t cigna_base_origin(cigna_slice_t url, int cut, int *https,
    cigna_slice_t *host, uint16_t *port);
static int cigna_base_at(const cigna_uri_t *uri, int https, cigna_slice_t host,
    uint16_t port);
static int cigna_base_ends(cigna_slice_t url, size_t len, int cut);
static cigna_slice_t cigna_base_path(const cigna_uri_t *uri);
static size_t cigna_base_scheme(cigna_slice_t url, int *https);
static int cigna_base_border(uint8_t c);


void
cigna_bases_init(cigna_bases_t *bases)
{
    bases->n = 0;
    bases->len_max = 0;
}


int
cigna_bases_add(cigna_bases_t *bases, cigna_slice_t text, const char **error)
{
    size_t         len;
    cigna_buf_t    b;
    cigna_uri_t   *uri;
    cigna_base_t  *base;

    if (bases->n == CIGNA_BASES_MAX) {
        *error = "is one too many";
        return CIGNA_ERROR;
    }

    base = &bases->base[bases->n];
    uri = &base->uri;

    if (text.len > CIGNA_BASE_LEN_MAX || cigna_uri_parse(text, uri) != CIGNA_OK
        || uri->has_query)
    {
        *error = "is no http or https URL without a query, or too long";
        return CIGNA_ERROR;
    }

    cigna_buf_init(&b, base->text, CIGNA_BASE_LEN_MAX);
    cigna_uri_append_origin(&b, uri);
    cigna_buf_append(&b, cigna_base_path(uri));

    base->len = cigna_buf_slice(&b).len;

    len = base->len + CIGNA_BASE_PORT_LEN;

    if (len > bases->len_max) {
        bases->len_max = len;
    }

    bases->n++;

    return CIGNA_OK;
}


size_t
cigna_bases_match(const cigna_bases_t *bases, cigna_slice_t url, int cut)
{
    size_t               best;
    unsigned             i;
    const cigna_base_t  *base;

    best = 0;

    for (i = 0; i < bases->n; i++) {

        base = &bases->base[i];

        if (base->len > best
            && cigna_slice_starts(url, cigna_slice_make(base->text,
                                                        base->text + base->len))
            && cigna_base_ends(url, base->len, cut))
        {
            best = base->len;
        }
    }

    /* all bases of an origin are written alike, so this was the longest */

    return best ? best : cigna_base_parse(bases, url, cut);
}


/* a known base in another guise */

static size_t
cigna_base_parse(const cigna_bases_t *bases, cigna_slice_t url, int cut)
{
    int             https;
    size_t          origin, best;
    unsigned        i;
    uint16_t        port;
    cigna_slice_t   host, path, rest;

    origin = cigna_base_origin(url, cut, &https, &host, &port);

    if (origin == 0) {
        return 0;
    }

    best = 0;
    rest = cigna_slice_skip(url, origin);

    for (i = 0; i < bases->n; i++) {

        path = cigna_base_path(&bases->base[i].uri);

        if (origin + path.len > best
            && cigna_base_at(&bases->base[i].uri, https, host, port)
            && cigna_slice_starts(rest, path)
            && cigna_base_ends(rest, path.len, cut))
        {
            best = origin + path.len;
        }
    }

    return best;
}


/* length of "scheme://host:port" in front of a URL; 0: there is none */

static size_t
cigna_base_origin(cigna_slice_t url, int cut, int *https, cigna_slice_t *host,
    uint16_t *port)
{
    size_t         scheme, len;
    cigna_slice_t  rest, authority;

    scheme = cigna_base_scheme(url, https);
    if (scheme == 0) {
        return 0;
    }

    rest = cigna_slice_skip(url, scheme);

    for (len = 0; len < rest.len && !cigna_base_border(rest.data[len]); len++)
    {
        /* void */
    }

    if (cut && len == rest.len) {
        return 0;
    }

    authority = cigna_slice_make(rest.data, rest.data + len);
    *port = *https ? 443 : 80;

    if (cigna_uri_authority_parse(authority, host, port) != CIGNA_OK) {
        return 0;
    }

    return scheme + len;
}


static int
cigna_base_at(const cigna_uri_t *uri, int https, cigna_slice_t host,
    uint16_t port)
{
    return https == (int) uri->https && port == uri->port
           && cigna_slice_eq_case(host, uri->host);
}


/* is there a border behind the first len bytes of a URL? */

static int
cigna_base_ends(cigna_slice_t url, size_t len, int cut)
{
    return url.len == len ? !cut : cigna_base_border(url.data[len]);
}


/* "https://host/" and "https://host" are one base */

static cigna_slice_t
cigna_base_path(const cigna_uri_t *uri)
{
    cigna_slice_t  path;

    path = uri->path;

    if (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    return path;
}


/* length of "http://" or "https://" in front, 0 if there is neither */

static size_t
cigna_base_scheme(cigna_slice_t url, int *https)
{
    cigna_slice_t  scheme;

    for (*https = 0; *https <= 1; (*https)++) {

        scheme = *https ? cigna_slice("https://") : cigna_slice("http://");

        if (url.len >= scheme.len
            && cigna_slice_eq_case(cigna_slice_make(url.data,
                                                    url.data + scheme.len),
                                   scheme))
        {
            return scheme.len;
        }
    }

    return 0;
}


static int
cigna_base_border(uint8_t c)
{
    return c == '/' || c == '?' || c == '#';
}


int
cigna_bases_may_match(cigna_slice_t start)
{
    int            https;
    size_t         len;
    cigna_slice_t  scheme;

    for (https = 0; https <= 1; https++) {

        scheme = https ? cigna_slice("https://") : cigna_slice("http://");
        len = start.len < scheme.len ? start.len : scheme.len;

        if (cigna_slice_eq_case(cigna_slice_make(start.data, start.data + len),
                                cigna_slice_make(scheme.data,
                                                 scheme.data + len)))
        {
            return 1;
        }
    }

    return 0;
}
