
#include <arpa/inet.h>
#include <string.h>

#include "cigna_dots.h"
#include "cigna_uri.h"


static int cigna_uri_scheme(cigna_slice_t *rest, cigna_uri_t *u);
static int cigna_uri_host(cigna_slice_t *rest, cigna_slice_t *host);
static int cigna_uri_ipv6(cigna_slice_t s);
static int cigna_uri_chars(cigna_slice_t s, const char *signs);
static cigna_slice_t cigna_uri_path(const cigna_uri_t *u);
static int cigna_uri_path_plain(cigna_slice_t path);
static int cigna_uri_segment_plain(cigna_slice_t segment);
static void cigna_uri_append_host(cigna_buf_t *b, cigna_slice_t host);


/*
 * The signs of "pchar" in RFC 3986, and "/".  A query may have more signs,
 * because browsers leave these unescaped, and apps pass such URLs as
 * "return_to".
 */

#define CIGNA_URI_PATH_SIGNS   "-._~!$&'()*+,;=:@/"
#define CIGNA_URI_QUERY_SIGNS  CIGNA_URI_PATH_SIGNS "?[]{}|^`"

#define CIGNA_URI_PORT(https)  ((https) ? 443 : 80)


int
cigna_uri_parse(cigna_slice_t text, cigna_uri_t *u)
{
    cigna_slice_t  rest, hier;

    memset(u, 0, sizeof(cigna_uri_t));

    u->text = text;
    rest = text;

    if (cigna_uri_scheme(&rest, u) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    u->query = rest;
    hier = cigna_slice_cut(&u->query, '?');
    u->has_query = (hier.len != rest.len);

    u->path = hier;
    u->authority = cigna_slice_cut(&u->path, '/');
    u->path = cigna_slice_skip(hier, u->authority.len);

    if (cigna_uri_authority_parse(u->authority, &u->host, &u->port) != CIGNA_OK
        || !cigna_uri_chars(u->path, CIGNA_URI_PATH_SIGNS)
        || !cigna_uri_chars(u->query, CIGNA_URI_QUERY_SIGNS))
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


int
cigna_uri_authority_parse(cigna_slice_t text, cigna_slice_t *host,
    uint16_t *port)
{
    uint64_t  n;

    if (cigna_uri_host(&text, host) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    if (text.len == 0) {
        return CIGNA_OK;
    }

    if (text.data[0] != ':'
        || cigna_slice_uint(cigna_slice_skip(text, 1), 65535, &n) != CIGNA_OK
        || n == 0)
    {
        return CIGNA_ERROR;
    }

    *port = (uint16_t) n;

    return CIGNA_OK;
}


int
cigna_uri_same_origin(const cigna_uri_t *a, const cigna_uri_t *b)
{
    return a->https == b->https && a->port == b->port
           && cigna_slice_eq_case(a->host, b->host);
}


int
cigna_uri_loopback(const cigna_uri_t *u)
{
    cigna_slice_t  host, local;

    host = u->host;
    local = cigna_slice(".localhost");

    return cigna_slice_eq_case(host, cigna_slice("localhost"))
           || cigna_slice_eq(host, cigna_slice("127.0.0.1"))
           || cigna_slice_eq(host, cigna_slice("::1"))
           || (host.len > local.len && cigna_slice_ends_case(host, local));
}


int
cigna_uri_allows(const cigna_uri_t *allowed, const cigna_uri_t *target)
{
    cigna_slice_t  prefix, path;

    prefix = cigna_uri_path(allowed);
    path = cigna_uri_path(target);

    if (!cigna_uri_same_origin(allowed, target)
        || !cigna_uri_path_plain(path)
        || !cigna_slice_starts(path, prefix))
    {
        return 0;
    }

    return path.len == prefix.len
           || prefix.data[prefix.len - 1] == '/'
           || path.data[prefix.len] == '/';
}


void
cigna_uri_append_origin(cigna_buf_t *b, const cigna_uri_t *u)
{
    cigna_buf_append_str(b, u->https ? "https://" : "http://");
    cigna_uri_append_host(b, u->host);

    if (u->port != CIGNA_URI_PORT(u->https)) {
        cigna_buf_append_char(b, ':');
        cigna_buf_append_uint(b, u->port);
    }
}


void
cigna_uri_append(cigna_buf_t *b, const cigna_uri_t *u)
{
    cigna_uri_append_origin(b, u);
    cigna_buf_append(b, cigna_uri_path(u));

    if (u->has_query) {
        cigna_buf_append_char(b, '?');
        cigna_buf_append(b, u->query);
    }
}


static int
cigna_uri_scheme(cigna_slice_t *rest, cigna_uri_t *u)
{
    cigna_slice_t  scheme;

    scheme = cigna_slice_cut(rest, ':');

    if (cigna_slice_eq_case(scheme, cigna_slice("https"))) {
        u->https = 1;

    } else if (!cigna_slice_eq_case(scheme, cigna_slice("http"))) {
        return CIGNA_ERROR;
    }

    u->port = CIGNA_URI_PORT(u->https);

    if (!cigna_slice_starts(*rest, cigna_slice("//"))) {
        return CIGNA_ERROR;
    }

    *rest = cigna_slice_skip(*rest, 2);

    return CIGNA_OK;
}


/*
 * Cuts the host off the front of an authority; *host is without brackets.  "%"
 * is not allowed: browsers decode escapes in a host name, so "%2e" is a dot.
 */

static int
cigna_uri_host(cigna_slice_t *rest, cigna_slice_t *host)
{
    size_t  len;

    *host = *rest;

    if (cigna_slice_starts(*rest, cigna_slice("["))) {

        *rest = cigna_slice_skip(*rest, 1);
        len = rest->len;
        *host = cigna_slice_cut(rest, ']');

        return (host->len != len && cigna_uri_ipv6(*host)) ? CIGNA_OK
                                                           : CIGNA_ERROR;
    }

    host->len = cigna_slice_span(*rest, "-._");
    *rest = cigna_slice_skip(*rest, host->len);

    return host->len ? CIGNA_OK : CIGNA_ERROR;
}


static int
cigna_uri_ipv6(cigna_slice_t s)
{
    char             text[INET6_ADDRSTRLEN];
    struct in6_addr  addr;

    if (s.len >= sizeof(text) || cigna_slice_has(s, '\0')) {
        return 0;
    }

    memcpy(text, s.data, s.len);
    text[s.len] = '\0';

    return inet_pton(AF_INET6, text, &addr) == 1;
}


/* 1 if s has only letters, digits, these signs and complete escapes */

static int
cigna_uri_chars(cigna_slice_t s, const char *signs)
{
    for ( ;; ) {

        s = cigna_slice_skip(s, cigna_slice_span(s, signs));

        if (s.len == 0) {
            return 1;
        }

        if (cigna_slice_escaped(s) < 0) {
            return 0;
        }

        s = cigna_slice_skip(s, sizeof("%XX") - 1);
    }
}


static cigna_slice_t
cigna_uri_path(const cigna_uri_t *u)
{
    return u->path.len ? u->path : cigna_slice("/");
}


/* 1 if all readers of the path agree on its segments */

static int
cigna_uri_path_plain(cigna_slice_t path)
{
    cigna_slice_t  segment;

    path = cigna_slice_skip(path, 1);

    while (path.len) {

        segment = cigna_slice_cut(&path, '/');

        if (!cigna_uri_segment_plain(segment)) {
            return 0;
        }
    }

    return 1;
}


/*
 * 1 if the segment is not empty, not a dot segment, and has no "/" or "\", in
 * any spelling.  Some servers cut parameters off first and read ";a" as empty.
 */

static int
cigna_uri_segment_plain(cigna_slice_t segment)
{
    size_t        i;
    cigna_dots_t  dots;

    cigna_dots_init(&dots);

    for (i = 0; i < segment.len; i++) {
        cigna_dots_next(&dots, segment.data[i]);
    }

    return segment.len && !cigna_dots_end(&dots) && !dots.separated
           && !cigna_dots_nameless(&dots);
}


static void
cigna_uri_append_host(cigna_buf_t *b, cigna_slice_t host)
{
    int     ipv6;
    size_t  i;

    ipv6 = cigna_slice_has(host, ':');

    if (ipv6) {
        cigna_buf_append_char(b, '[');
    }

    for (i = 0; i < host.len; i++) {
        cigna_buf_append_char(b, cigna_slice_lower(host.data[i]));
    }

    if (ipv6) {
        cigna_buf_append_char(b, ']');
    }
}
