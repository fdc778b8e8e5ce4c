
/*
 * The bytes that nginx's proxy has made may hold more than one request.  For a
 * capture, $uri or another variable in proxy_pass or proxy_set_header, nginx
 * writes decoded bytes.  A line end among these bytes ends the header early,
 * and the server reads the rest as another request.  So each request must have
 * this form:
 *
 *   request line   "GET" or "HEAD", a space, the target that nginx itself
 *                  knows, a space, "HTTP/1.0" or "HTTP/1.1".  A search may have
 *                  "POST", which becomes "GET" without "/_search" in the path
 *   target         the path of fhir_base, and then segments.  A segment,
 *                  decoded once, is UTF-8 without "/", "\", ";", "%" and
 *                  control bytes.  It is not empty, "." or "..", but the path
 *                  may end with "/".  The query has only bytes above the
 *                  space, without DEL and "#"
 *   header         each line ends with CR LF and has a name; values that pass
 *                  have no control bytes but tabs
 *   after it       nothing: a body is never sent
 *
 * Header lines that pass, in the order in which they came:
 *
 *   Host                     written from fhir_base, in its place or after the
 *                            lines of caller and operator
 *   Connection               "close", or not at all
 *   the caller's lines       those that the table below lets pass
 *   the operator's lines     all but those that never pass
 *   X-Request-Id, Authorization: the gateway's own, at the end
 *
 * Invariants, checked by t/fuzz/fhir/fuzz_gate_out.c:
 *
 *   (1) the output is one request: by these rules nothing follows it, and it
 *       has one Host and at most one Authorization, which is the gateway's own;
 *   (2) its path is at or below the base;
 *   (3) each of its lines is on a list;
 *   (4) if the output is checked again, it passes and does not change.
 */


#include <string.h>

#include "cigna_gate_out.h"


#define CIGNA_GATE_OUT_NAME_MAX  20
#define CIGNA_GATE_OUT_NAMES     5         /* most names of one length */

/* most bytes that are written beside the request and the values in gate */
#define CIGNA_GATE_OUT_EXTRA                                                  \
    (sizeof("Host: \r\nX-Request-Id: \r\nAuthorization: Bearer \r\n?\r\n"      \
            "Connection: close\r\n"))


typedef enum {
    cigna_gate_out_other = 0,              /* passes if the operator set it */
    cigna_gate_out_host,
    cigna_gate_out_connection,
    cigna_gate_out_passing,                /* always passes */
    cigna_gate_out_partial,                /* passes unless "whole" is set */
    cigna_gate_out_posted,                 /* passes unless "search" is set */
    cigna_gate_out_range,                  /* passes unless "whole" or "search"
                                              is set */
    cigna_gate_out_id,                     /* X-Request-Id: passes if the
                                              operator set it */
    cigna_gate_out_parent,                 /* traceparent: passes if the
                                              operator set it, or if
                                              gate->traceparent is 1 */
    cigna_gate_out_state,                  /* tracestate: passes if the
                                              operator set it, or if
                                              gate->tracestate is 1 */
    cigna_gate_out_hidden                  /* never passes */
} cigna_gate_out_name_e;


typedef struct {
    const char             *name;
    cigna_gate_out_name_e   kind;
} cigna_gate_out_name_t;


/*
 * the header lines by the length of their names; all lines "X-Forwarded-..."
 * are hidden, and need no row
 */

static const cigna_gate_out_name_t
    cigna_gate_out_names[CIGNA_GATE_OUT_NAME_MAX][CIGNA_GATE_OUT_NAMES] =
{
    [2]  = { { "te", cigna_gate_out_hidden } },
    [4]  = { { "host", cigna_gate_out_host } },
    [5]  = { { "range", cigna_gate_out_range } },
    [6]  = { { "accept", cigna_gate_out_passing },
             { "cookie", cigna_gate_out_hidden },
             { "prefer", cigna_gate_out_passing },
             { "expect", cigna_gate_out_hidden } },
    [7]  = { { "cookie2", cigna_gate_out_hidden },
             { "upgrade", cigna_gate_out_hidden },
             { "trailer", cigna_gate_out_hidden } },
    [8]  = { { "if-range", cigna_gate_out_range } },
    [9]  = { { "forwarded", cigna_gate_out_hidden },
             { "x-real-ip", cigna_gate_out_hidden },
             { "client-ip", cigna_gate_out_hidden } },
    [10] = { { "connection", cigna_gate_out_connection },
             { "user-agent", cigna_gate_out_passing },
             { "tracestate", cigna_gate_out_state },
             { "keep-alive", cigna_gate_out_hidden } },
    [11] = { { "traceparent", cigna_gate_out_parent },
             { "x-client-ip", cigna_gate_out_hidden } },
    [12] = { { "content-type", cigna_gate_out_posted },
             { "x-request-id", cigna_gate_out_id } },
    [13] = { { "if-none-match", cigna_gate_out_posted },
             { "authorization", cigna_gate_out_hidden } },
    [14] = { { "accept-charset", cigna_gate_out_passing },
             { "content-length", cigna_gate_out_hidden },
             { "true-client-ip", cigna_gate_out_hidden },
             { "x-original-url", cigna_gate_out_hidden },
             { "http2-settings", cigna_gate_out_hidden } },
    [15] = { { "accept-encoding", cigna_gate_out_partial },
             { "accept-language", cigna_gate_out_passing } },
    [16] = { { "proxy-connection", cigna_gate_out_hidden },
             { "cf-connecting-ip", cigna_gate_out_hidden } },
    [17] = { { "if-modified-since", cigna_gate_out_posted },
             { "transfer-encoding", cigna_gate_out_hidden } },
    [18] = { { "proxy-authenticate", cigna_gate_out_hidden } },
    [19] = { { "proxy-authorization", cigna_gate_out_hidden },
             { "x-cluster-client-ip", cigna_gate_out_hidden } }
};


/* classes of the bytes of a target; 0: an ordinary one */

#define CIGNA_GATE_OUT_BAD    1            /* not allowed in a target */
#define CIGNA_GATE_OUT_SLASH  2
#define CIGNA_GATE_OUT_DOT    4
#define CIGNA_GATE_OUT_CODED  8            /* "%" */
#define CIGNA_GATE_OUT_ODD    16           /* not allowed in a path */
#define CIGNA_GATE_OUT_HIGH   32           /* part of a character beyond
                                              ASCII */


static const uint8_t  cigna_gate_out_class[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32
};


/* the segment of the path that is being read */

typedef struct {
    const uint8_t  *segment;               /* the first byte of the segment */
    size_t          escapes;               /* number of "%XX" in the segment */
    size_t          dots;                  /* number of dots, escaped or not */
} cigna_gate_out_path_t;


/*
 * the output, which has room for the whole request; host, connection: 1 if the
 * line Host or Connection was written
 */

typedef struct {
    uint8_t   *pos;
    unsigned   host:1;
    unsigned   connection:1;
} cigna_gate_out_to_t;


static cigna_gate_out_e cigna_gate_out_read_target(cigna_gate_out_t *gate);
static int cigna_gate_out_query(const uint8_t *p, const uint8_t *end);
static int cigna_gate_out_plain(const uint8_t *p, const uint8_t *end);
static const uint8_t *cigna_gate_out_special(cigna_gate_out_path_t *path,
    const uint8_t *p, const uint8_t *end);
static int cigna_gate_out_byte(cigna_gate_out_path_t *path, const uint8_t **p,
    const uint8_t *end);
static const uint8_t *cigna_gate_out_character(cigna_gate_out_path_t *path,
    int first, const uint8_t *p, const uint8_t *end);
static int cigna_gate_out_segment(const cigna_gate_out_path_t *path,
    const uint8_t *end);
static cigna_gate_out_e cigna_gate_out_first(cigna_gate_out_t *gate,
    cigna_slice_t *request, cigna_gate_out_to_t *to);
static int cigna_gate_out_take(cigna_slice_t *request, cigna_slice_t bytes);
static int cigna_gate_out_put_target(cigna_gate_out_t *gate,
    cigna_gate_out_to_t *to);
static int cigna_gate_out_searched(const cigna_gate_out_t *gate,
    cigna_slice_t *path);
static int cigna_gate_out_header(cigna_gate_out_t *gate,
    cigna_slice_t *request, cigna_gate_out_to_t *to);
static int cigna_gate_out_line(cigna_gate_out_t *gate, cigna_slice_t line,
    cigna_gate_out_to_t *to);
static cigna_gate_out_name_e cigna_gate_out_kind(cigna_slice_t name);
static int cigna_gate_out_is_set(const cigna_gate_out_t *gate,
    cigna_slice_t name);
static int cigna_gate_out_leaves(cigna_gate_out_t *gate,
    cigna_gate_out_name_e kind, cigna_slice_t name);
static int cigna_gate_out_closes(cigna_slice_t value);
static inline void cigna_gate_out_put(cigna_gate_out_to_t *to,
    cigna_slice_t s);
static inline void cigna_gate_out_put_line(cigna_gate_out_to_t *to,
    cigna_slice_t name, cigna_slice_t value);


cigna_gate_out_e
cigna_gate_out(cigna_gate_out_t *gate, cigna_slice_t request, cigna_buf_t *b)
{
    cigna_gate_out_e     e;
    cigna_gate_out_to_t  to;

    if ((size_t) (b->end - b->pos) < cigna_gate_out_max(gate, request.len)) {
        b->overflow = 1;
        return cigna_gate_out_request;
    }

    /* a bad target may hide a second request, so it is judged first */

    e = cigna_gate_out_read_target(gate);

    if (e != cigna_gate_out_passed) {
        return e;
    }

    memset(&to, 0, sizeof(cigna_gate_out_to_t));
    to.pos = b->pos;

    e = cigna_gate_out_first(gate, &request, &to);

    if (e != cigna_gate_out_passed) {
        return e;
    }

    if (!cigna_gate_out_header(gate, &request, &to)) {
        return cigna_gate_out_lines;
    }

    b->pos = to.pos;

    return cigna_gate_out_passed;
}


size_t
cigna_gate_out_max(const cigna_gate_out_t *gate, size_t request_len)
{
    return request_len + gate->host.len + gate->token.len
           + gate->request_id.len + gate->query.len + CIGNA_GATE_OUT_EXTRA;
}


int
cigna_gate_out_operators(cigna_slice_t name)
{
    return cigna_gate_out_kind(name) == cigna_gate_out_other;
}


/*
 * The operator has written the base, so its bytes are not checked.  If the path
 * is not below the base, the configuration is wrong.  But if the path has
 * forbidden bytes, the caller may have moved it, and gets the blame.
 */

static cigna_gate_out_e
cigna_gate_out_read_target(cigna_gate_out_t *gate)
{
    int             below;
    const uint8_t  *path, *end, *query;

    gate->base = cigna_slice_no_slash(gate->base);

    path = gate->target.data;
    end = path + gate->target.len;

    query = gate->target.len ? memchr(path, '?', gate->target.len) : NULL;

    if (query == NULL) {
        query = end;
    }

    below = cigna_slice_starts(cigna_slice_make(path, query), gate->base);

    gate->args = cigna_slice_make(query, end);

    if (below) {
        path += gate->base.len;

        /* "location /fhir" with "proxy_pass .../base/" gives "/base//..." */

        if (query - path > 1 && path[0] == '/' && path[1] == '/') {
            return cigna_gate_out_base;
        }
    }

    if (!cigna_gate_out_plain(path, query)
        || !cigna_gate_out_query(query, end))
    {
        return cigna_gate_out_target;
    }

    /* the path is the base itself, if that has a path, or goes on with "/" */

    if (!below || (path < query && *path != '/')
        || (path == query && gate->base.len == 0))
    {
        return cigna_gate_out_base;
    }

    return cigna_gate_out_passed;
}


static int
cigna_gate_out_query(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        if (cigna_gate_out_class[*p++] == CIGNA_GATE_OUT_BAD) {
            return 0;
        }
    }

    return 1;
}


/* 1 if all servers read the path, after the base, in the same way */

static int
cigna_gate_out_plain(const uint8_t *p, const uint8_t *end)
{
    cigna_gate_out_path_t  path;

    /* skips the first slash, which follows the base */

    if (p < end && *p == '/') {
        p++;
    }

    memset(&path, 0, sizeof(cigna_gate_out_path_t));
    path.segment = p;

    while (p < end) {

        if (cigna_gate_out_class[*p] == 0) {
            p++;
            continue;
        }

        p = cigna_gate_out_special(&path, p, end);

        if (p == NULL) {
            return 0;
        }
    }

    /* the last segment may be empty */

    return path.segment == end || cigna_gate_out_segment(&path, end);
}


/* reads a byte of a special class; NULL: the byte is not allowed there */

static const uint8_t *
cigna_gate_out_special(cigna_gate_out_path_t *path, const uint8_t *p,
    const uint8_t *end)
{
    int             c;
    uint8_t         class;
    const uint8_t  *next;

    next = p;
    c = cigna_gate_out_byte(path, &next, end);

    if (c < 0) {
        return NULL;
    }

    class = cigna_gate_out_class[c];

    if (class == CIGNA_GATE_OUT_HIGH) {
        return cigna_gate_out_character(path, c, next, end);
    }

    if (class == CIGNA_GATE_OUT_DOT) {
        path->dots++;
        return next;
    }

    if (class == CIGNA_GATE_OUT_SLASH && *p == '/') {

        if (!cigna_gate_out_segment(path, p)) {
            return NULL;
        }

        path->segment = next;
        path->escapes = 0;
        path->dots = 0;

        return next;
    }

    /* a space and "#" are harmless if they are escaped */

    return (class == 0 || (*p == '%' && (c == ' ' || c == '#'))) ? next : NULL;
}


/* reads a byte, escaped or not, and moves *p behind it; -1: a broken escape */

static int
cigna_gate_out_byte(cigna_gate_out_path_t *path, const uint8_t **p,
    const uint8_t *end)
{
    int  c;

    if (**p != '%') {
        return *(*p)++;
    }

    c = cigna_slice_escaped(cigna_slice_make(*p, end));

    if (c >= 0) {
        path->escapes++;
        *p += sizeof("%XX") - 1;
    }

    return c;
}


/* reads the rest of a character beyond ASCII; NULL: RFC 3629 forbids it */

static const uint8_t *
cigna_gate_out_character(cigna_gate_out_path_t *path, int first,
    const uint8_t *p, const uint8_t *end)
{
    int      c;
    size_t   n;
    uint8_t  bytes[4];

    bytes[0] = (uint8_t) first;

    for (n = 1; n < sizeof(bytes) && p < end; n++) {

        c = cigna_gate_out_byte(path, &p, end);

        if (c < 0) {
            return NULL;
        }

        bytes[n] = (uint8_t) c;

        if (cigna_slice_utf8(cigna_slice_make(bytes, bytes + n + 1))) {
            return p;
        }
    }

    return NULL;
}


/* 1 if the segment is not empty, "." or ".." */

static int
cigna_gate_out_segment(const cigna_gate_out_path_t *path, const uint8_t *end)
{
    size_t  len;

    len = (size_t) (end - path->segment) - 2 * path->escapes;

    return len && (path->dots != len || len > 2);
}


/* checks and writes the request line, whose target was read before */

static cigna_gate_out_e
cigna_gate_out_first(cigna_gate_out_t *gate, cigna_slice_t *request,
    cigna_gate_out_to_t *to)
{
    cigna_slice_t  method, version;

    method = cigna_slice("GET ");

    if (!gate->search && cigna_gate_out_take(request, cigna_slice("HEAD "))) {
        method = cigna_slice("HEAD ");

    } else if (!cigna_gate_out_take(request, method)
               && !(gate->search
                    && cigna_gate_out_take(request, cigna_slice("POST "))))
    {
        return cigna_gate_out_request;
    }

    if (!cigna_gate_out_take(request, gate->target)) {
        return cigna_gate_out_request;
    }

    version = *request;

    if (cigna_gate_out_take(request, cigna_slice(" HTTP/1.1\r\n"))
        || cigna_gate_out_take(request, cigna_slice(" HTTP/1.0\r\n")))
    {
        version.len -= request->len;

    } else {
        return cigna_gate_out_request;
    }

    cigna_gate_out_put(to, method);

    if (!cigna_gate_out_put_target(gate, to)) {
        return cigna_gate_out_target;
    }

    cigna_gate_out_put(to, version);

    return cigna_gate_out_passed;
}


/* 1 if the request begins with these bytes, which are then cut off */

static int
cigna_gate_out_take(cigna_slice_t *request, cigna_slice_t bytes)
{
    if (!cigna_slice_starts(*request, bytes)) {
        return 0;
    }

    *request = cigna_slice_skip(*request, bytes.len);

    return 1;
}


/*
 * writes the target; 0: the target of a search by POST does not end with
 * "/_search"
 */

static int
cigna_gate_out_put_target(cigna_gate_out_t *gate, cigna_gate_out_to_t *to)
{
    uint8_t        *start;
    cigna_slice_t   path, query;

    path = cigna_slice_make(gate->target.data, gate->args.data);
    query = gate->search ? gate->query : gate->args;

    if (gate->search && !cigna_gate_out_searched(gate, &path)) {
        return 0;
    }

    /* "<base>/?..." leads to the base itself, see cigna_link_keys.c */

    if (gate->links && gate->base.len && query.len
        && path.len == gate->base.len + 1)
    {
        path.len--;
    }

    start = to->pos;

    cigna_gate_out_put(to, path);
    gate->path = cigna_slice_make(start + gate->base.len, to->pos);

    if (gate->search && query.len) {
        *to->pos++ = '?';
    }

    cigna_gate_out_put(to, query);

    gate->line = cigna_slice_make(start, to->pos);
    gate->args = cigna_slice_skip(cigna_slice_make(start + path.len, to->pos),
                                  1);
    return 1;
}


/* removes "/_search" from the path; 0: the path does not end with it */

static int
cigna_gate_out_searched(const cigna_gate_out_t *gate, cigna_slice_t *path)
{
    cigna_slice_t  end;

    end = cigna_slice("/_search");

    if (path->len <= gate->base.len + end.len
        || !cigna_slice_ends(*path, end))
    {
        return 0;
    }

    path->len -= end.len;

    return 1;
}


/*
 * writes the header lines; 0: a line is malformed, or bytes follow the header
 */

static int
cigna_gate_out_header(cigna_gate_out_t *gate, cigna_slice_t *request,
    cigna_gate_out_to_t *to)
{
    cigna_slice_t   line;
    const uint8_t  *lf;

    for ( ;; ) {

        lf = request->len ? memchr(request->data, '\n', request->len) : NULL;

        if (lf == NULL || lf == request->data || lf[-1] != '\r') {
            return 0;
        }

        line = cigna_slice_make(request->data, lf - 1);
        *request = cigna_slice_skip(*request, line.len + 2);

        if (line.len == 0) {
            break;
        }

        if (!cigna_gate_out_line(gate, line, to)) {
            return 0;
        }
    }

    if (!to->host) {
        cigna_gate_out_put_line(to, cigna_slice("Host: "), gate->host);
    }

    cigna_gate_out_put_line(to, cigna_slice("X-Request-Id: "),
                            gate->request_id);
    cigna_gate_out_put_line(to, cigna_slice("Authorization: Bearer "),
                            gate->token);
    cigna_gate_out_put(to, cigna_slice("\r\n"));

    return request->len == 0;
}


/*
 * Writes a line of the header if it passes.  Writes the gateway's own line in
 * place of the first Host, and of the first Connection with "close".  Returns 0
 * if the line is malformed, and 1 if it was written or dropped.  CR LF must
 * follow "line" in memory.
 */

static int
cigna_gate_out_line(cigna_gate_out_t *gate, cigna_slice_t line,
    cigna_gate_out_to_t *to)
{
    cigna_slice_t          name, value;
    const uint8_t         *colon;
    cigna_gate_out_name_e  kind;

    colon = memchr(line.data, ':', line.len);

    if (colon == NULL || colon == line.data) {
        return 0;
    }

    name = cigna_slice_make(line.data, colon);
    value = cigna_slice_make(colon + 1, line.data + line.len);

    kind = cigna_gate_out_kind(name);

    if (cigna_gate_out_leaves(gate, kind, name)) {

        if (!cigna_slice_plain(line)) {
            return 0;
        }

        line.len += 2;
        cigna_gate_out_put(to, line);

        return 1;
    }

    if (kind == cigna_gate_out_host && !to->host) {
        to->host = 1;
        cigna_gate_out_put_line(to, cigna_slice("Host: "), gate->host);

    } else if (kind == cigna_gate_out_connection && !to->connection
               && cigna_gate_out_closes(value))
    {
        to->connection = 1;
        cigna_gate_out_put(to, cigna_slice("Connection: close\r\n"));
    }

    return memchr(line.data, '\r', line.len) == NULL;
}


static cigna_gate_out_name_e
cigna_gate_out_kind(cigna_slice_t name)
{
    uint8_t                       first;
    unsigned                      i;
    const cigna_gate_out_name_t  *n;

    first = cigna_slice_lower(name.data[0]);

    if (name.len < CIGNA_GATE_OUT_NAME_MAX) {

        n = cigna_gate_out_names[name.len];

        for (i = 0; i < CIGNA_GATE_OUT_NAMES && n[i].name; i++) {

            if (first == (uint8_t) n[i].name[0]
                && cigna_slice_named(name, n[i].name))
            {
                return n[i].kind;
            }
        }
    }

    if (first == 'x' && name.len > 12
        && cigna_slice_named((cigna_slice_t) { name.data, 12 }, "x-forwarded-"))
    {
        return cigna_gate_out_hidden;
    }

    return cigna_gate_out_other;
}


static int
cigna_gate_out_is_set(const cigna_gate_out_t *gate, cigna_slice_t name)
{
    size_t  i;

    for (i = 0; i < gate->nset; i++) {
        if (cigna_slice_eq_case(gate->set[i], name)) {
            return 1;
        }
    }

    return 0;
}


/*
 * 1 if a line may pass as it is.  If the operator sets a name, the line with
 * that name is the operator's: nginx has dropped the caller's.
 */

static int
cigna_gate_out_leaves(cigna_gate_out_t *gate, cigna_gate_out_name_e kind,
    cigna_slice_t name)
{
    switch (kind) {

    case cigna_gate_out_passing:
        return 1;

    case cigna_gate_out_partial:
        return !gate->whole;

    case cigna_gate_out_range:
        return !gate->whole && !gate->search;

    case cigna_gate_out_posted:
        return !gate->search;

    case cigna_gate_out_parent:
        return gate->traceparent || cigna_gate_out_is_set(gate, name);

    case cigna_gate_out_state:
        return gate->tracestate || cigna_gate_out_is_set(gate, name);

    case cigna_gate_out_id:

        if (!cigna_gate_out_is_set(gate, name)) {
            return 0;
        }

        gate->request_id = cigna_slice_null;
        return 1;

    case cigna_gate_out_other:
        return cigna_gate_out_is_set(gate, name);

    default:
        return 0;
    }
}


/* 1 if "close" is among the options of a Connection line */

static int
cigna_gate_out_closes(cigna_slice_t value)
{
    while (value.len) {

        if (cigna_slice_eq_case(cigna_slice_trim(cigna_slice_cut(&value, ',')),
                                cigna_slice("close")))
        {
            return 1;
        }
    }

    return 0;
}


static inline void
cigna_gate_out_put(cigna_gate_out_to_t *to, cigna_slice_t s)
{
    if (s.len) {
        memcpy(to->pos, s.data, s.len);
        to->pos += s.len;
    }
}


/* writes a line unless the value is empty; name: with its ": " */

static inline void
cigna_gate_out_put_line(cigna_gate_out_to_t *to, cigna_slice_t name,
    cigna_slice_t value)
{
    if (value.len) {
        cigna_gate_out_put(to, name);
        cigna_gate_out_put(to, value);
        cigna_gate_out_put(to, cigna_slice("\r\n"));
    }
}
