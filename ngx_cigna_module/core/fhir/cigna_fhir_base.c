
#include <string.h>

#include "cigna_fhir_base.h"


static int cigna_fhir_base_other_origin(const cigna_bases_t *bases,
    const cigna_uri_t *uri);
static int cigna_fhir_base_parse(const cigna_bases_t *bases, cigna_slice_t url,
    int cut, size_t *len);
static int cigna_fhir_base_at_root(const cigna_bases_t *bases,
    cigna_slice_t url, int cut, size_t *len);
static size_t cigna_fhir_base_origin(cigna_slice_t url, int cut,
    cigna_slice_t *host);
static cigna_slice_t cigna_fhir_base_no_dot(cigna_slice_t host);
static size_t cigna_fhir_base_scheme(cigna_slice_t url);
static int cigna_fhir_base_starts(cigna_slice_t url, cigna_slice_t scheme);
static cigna_slice_t cigna_fhir_base_no_ports(cigna_slice_t authority);
static cigna_slice_t cigna_fhir_base_slashes(cigna_slice_t rest);
static int cigna_fhir_base_ends(cigna_slice_t url, size_t len, int cut);
static int cigna_fhir_base_border(uint8_t c);


void
cigna_bases_init(cigna_bases_t *bases)
{
    memset(bases, 0, sizeof(cigna_bases_t));
}


int
cigna_bases_add(cigna_bases_t *bases, cigna_slice_t text, const char **error)
{
    size_t              len;
    cigna_buf_t         b;
    cigna_uri_t        *uri;
    cigna_fhir_base_t  *base;

    if (bases->n == CIGNA_BASES_MAX) {
        *error = "is one too many";
        return CIGNA_ERROR;
    }

    base = &bases->base[bases->n];
    uri = &base->uri;

    if (text.len > CIGNA_FHIR_BASE_LEN_MAX
        || cigna_uri_parse(text, uri) != CIGNA_OK
        || uri->has_query)
    {
        *error = "is no http or https URL without a query, or too long";
        return CIGNA_ERROR;
    }

    cigna_buf_init(&b, base->text, CIGNA_FHIR_BASE_LEN_MAX);
    cigna_uri_append_origin(&b, uri);
    cigna_buf_append(&b, cigna_slice_no_slash(uri->path));

    base->len = cigna_buf_slice(&b).len;

    len = base->len + CIGNA_FHIR_BASE_FORM_MAX;

    if (len > bases->len_max) {
        bases->len_max = len;
        bases->len_plain = base->len + 2;
    }

    bases->mixed |= cigna_fhir_base_other_origin(bases, uri);
    bases->n++;

    return CIGNA_OK;
}


/* 1 if another base has the same host, but not the same origin */

static int
cigna_fhir_base_other_origin(const cigna_bases_t *bases, const cigna_uri_t *uri)
{
    unsigned            i;
    const cigna_uri_t  *other;

    for (i = 0; i < bases->n; i++) {

        other = &bases->base[i].uri;

        if (cigna_slice_eq_case(cigna_fhir_base_no_dot(other->host),
                                cigna_fhir_base_no_dot(uri->host))
            && !cigna_uri_same_origin(other, uri))
        {
            return 1;
        }
    }

    return 0;
}


int
cigna_bases_match(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len)
{
    if (cigna_bases_match_plain(bases, url, cut, len) == CIGNA_OK) {
        return CIGNA_OK;
    }

    if (url.len && url.data[0] == '/'
        && (url.len == 1 || url.data[1] != '/'))
    {
        return cigna_fhir_base_at_root(bases, url, cut, len);
    }

    return cigna_fhir_base_parse(bases, url, cut, len);
}


/*
 * Without "mixed" all bases of a host begin with the same origin.  So the
 * longest base found here is the longest of all.  One case is left to
 * cigna_bases_match(): "//" after that base may belong to a longer base.
 */

int
cigna_bases_match_plain(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len)
{
    size_t                    best;
    unsigned                  i;
    cigna_slice_t             rest;
    const cigna_fhir_base_t  *base;

    if (bases->mixed) {
        return CIGNA_NONE;
    }

    best = 0;

    for (i = 0; i < bases->n; i++) {

        base = &bases->base[i];

        if (base->len > best
            && cigna_slice_starts(url, cigna_slice_make(base->text,
                                                        base->text + base->len))
            && cigna_fhir_base_ends(url, base->len, cut))
        {
            best = base->len;
        }
    }

    rest = cigna_slice_skip(url, best);

    if (best == 0 || cigna_slice_starts(rest, cigna_slice("//"))) {
        return CIGNA_NONE;
    }

    *len = best;

    return CIGNA_OK;
}


/* matches bases in other forms than the usual one; parses the URL */

static int
cigna_fhir_base_parse(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len)
{
    size_t              origin;
    unsigned            i, found;
    cigna_slice_t       host, path, rest;
    const cigna_uri_t  *uri;

    origin = cigna_fhir_base_origin(url, cut, &host);

    if (origin == 0) {
        return CIGNA_NONE;
    }

    found = 0;

    for (i = 0; i < bases->n; i++) {

        uri = &bases->base[i].uri;

        if (!cigna_slice_eq_case(host, cigna_fhir_base_no_dot(uri->host))) {
            continue;
        }

        path = cigna_slice_no_slash(uri->path);
        rest = cigna_slice_skip(url, origin);

        if (path.len) {
            rest = cigna_fhir_base_slashes(rest);
        }

        if (cigna_slice_starts(rest, path)
            && cigna_fhir_base_ends(rest, path.len, cut)
            && (!found || url.len - rest.len + path.len > *len))
        {
            *len = url.len - rest.len + path.len;
            found = 1;
        }
    }

    return found ? CIGNA_OK : CIGNA_NONE;
}


/* compares a URL that is only a path with the path of the first base */

static int
cigna_fhir_base_at_root(const cigna_bases_t *bases, cigna_slice_t url, int cut,
    size_t *len)
{
    cigna_slice_t  path;

    if (bases->n == 0) {
        return CIGNA_NONE;
    }

    path = cigna_slice_no_slash(bases->base[0].uri.path);

    if (!cigna_slice_starts(url, path)
        || !cigna_fhir_base_ends(url, path.len, cut))
    {
        return CIGNA_NONE;
    }

    *len = path.len;

    return CIGNA_OK;
}


/*
 * The length of "scheme://host:port" at the start of a URL.  0: there is none,
 * or "cut" is 1 and the URL's known part ends within the authority.
 */

static size_t
cigna_fhir_base_origin(cigna_slice_t url, int cut, cigna_slice_t *host)
{
    size_t         scheme, len;
    uint16_t       port;
    cigna_slice_t  rest, authority;

    scheme = cigna_fhir_base_scheme(url);

    if (scheme == 0) {
        return 0;
    }

    rest = cigna_slice_skip(url, scheme);

    len = 0;

    while (len < rest.len && !cigna_fhir_base_border(rest.data[len])) {
        len++;
    }

    if (cut && len == rest.len) {
        return 0;
    }

    authority = cigna_fhir_base_no_ports(cigna_slice_make(rest.data,
                                                          rest.data + len));

    if (cigna_uri_authority_parse(authority, host, &port) != CIGNA_OK) {
        return 0;
    }

    *host = cigna_fhir_base_no_dot(*host);

    return scheme + len;
}


/* the host without the dot that a complete name may end with */

static cigna_slice_t
cigna_fhir_base_no_dot(cigna_slice_t host)
{
    if (host.len > 1 && host.data[host.len - 1] == '.') {
        host.len--;
    }

    return host;
}


/* the length of "https://", "http://" or "//" at the start; 0 without one */

static size_t
cigna_fhir_base_scheme(cigna_slice_t url)
{
    cigna_slice_t  https, http;

    https = cigna_slice("https://");
    http = cigna_slice("http://");

    if (url.len >= https.len && cigna_fhir_base_starts(url, https)) {
        return https.len;
    }

    if (url.len >= http.len && cigna_fhir_base_starts(url, http)) {
        return http.len;
    }

    return cigna_slice_starts(url, cigna_slice("//")) ? 2 : 0;
}


/*
 * 1 if the URL begins with the scheme, or is the beginning of it; ignores the
 * case of letters
 */

static int
cigna_fhir_base_starts(cigna_slice_t url, cigna_slice_t scheme)
{
    size_t  len;

    len = url.len < scheme.len ? url.len : scheme.len;

    return cigna_slice_eq_case(cigna_slice_make(url.data, url.data + len),
                               cigna_slice_make(scheme.data,
                                                scheme.data + len));
}


/* the authority without ports; some proxies write "host:443:443" */

static cigna_slice_t
cigna_fhir_base_no_ports(cigna_slice_t authority)
{
    size_t  len, ports;

    ports = 0;

    for (len = authority.len; len; len--) {

        if (authority.data[len - 1] == ':') {
            ports = authority.len - len + 1;

        } else if (authority.data[len - 1] < '0'
                   || authority.data[len - 1] > '9')
        {
            break;
        }
    }

    if (ports <= CIGNA_FHIR_BASE_PORTS_MAX) {
        authority.len -= ports;
    }

    return authority;
}


/*
 * skips slashes at the start until one is left, but CIGNA_FHIR_BASE_SLASHES_MAX
 * at most
 */

static cigna_slice_t
cigna_fhir_base_slashes(cigna_slice_t rest)
{
    size_t  n;

    for (n = 0; n < CIGNA_FHIR_BASE_SLASHES_MAX; n++) {

        if (!cigna_slice_starts(rest, cigna_slice("//"))) {
            break;
        }

        rest = cigna_slice_skip(rest, 1);
    }

    return rest;
}


/*
 * 1 if a URL ends after "len" bytes or goes on with "/", "?" or "#"; cut: 1 if
 * "url" is only the first part of the URL
 */

static int
cigna_fhir_base_ends(cigna_slice_t url, size_t len, int cut)
{
    return url.len == len ? !cut : cigna_fhir_base_border(url.data[len]);
}


static int
cigna_fhir_base_border(uint8_t c)
{
    return c == '/' || c == '?' || c == '#';
}


int
cigna_bases_may_match(cigna_slice_t start)
{
    return (start.len && start.data[0] == '/')
           || cigna_fhir_base_starts(start, cigna_slice("http://"))
           || cigna_fhir_base_starts(start, cigna_slice("https://"));
}


int
cigna_bases_absolute(cigna_slice_t url)
{
    return cigna_fhir_base_scheme(url)
           || cigna_slice_starts(url, cigna_slice("/"));
}
