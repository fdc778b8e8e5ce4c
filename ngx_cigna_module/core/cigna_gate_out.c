
/*
 * The request that nginx's proxy has made may be more than one: nginx writes
 * decoded bytes wherever a capture, $uri or another variable stands in
 * proxy_pass or proxy_set_header.  A line end among them ends the header early,
 * and what follows is another request to whoever reads it.
 *
 *   request line   "GET" or "HEAD", a space, the target that nginx itself
 *                  knows, a space, "HTTP/1.0" or "HTTP/1.1"
 *   target         the path of fhir_base, and behind it segments which, decoded
 *                  once, are not empty, "." or "..", are UTF-8, and have no
 *                  "/", "\", ";", "%" or control byte in them; the path may
 *                  end with "/".  In the query stands any byte above the space
 *                  but DEL and "#"
 *   header         each line ends with CR LF and has a name; values that leave
 *                  have no control bytes but tabs
 *   after it       nothing: a body never leaves
 *
 * Lines that leave, in the order in which they came:
 *
 *   Host                     written from fhir_base, in its place or first
 *   Connection               "close", or not at all
 *   the caller's lines       those in the table below that pass
 *   the operator's lines     all but those that never leave
 *   X-Request-Id, traceparent, Authorization: ours, at the end
 *
 * Invariants, checked by t/fuzz/fuzz_gate_out.c:
 *
 *   (1) what was written is one request: read by these rules it has nothing
 *       behind it, one Host, and at most one Authorization, which is ours;
 *   (2) its path is at or below the base;
 *   (3) each of its lines is on a list;
 *   (4) what was written passes once more, and stays as it is.
 */


#include <string.h>

#include "cigna_gate_out.h"


#define CIGNA_GATE_OUT_NAME_MAX  20
#define CIGNA_GATE_OUT_NAMES     5         /* of one length */

/* nothing that is written beside the request and ours is longer than this */
#define CIGNA_GATE_OUT_EXTRA                                                  \
    (sizeof("Host: \r\nX-Request-Id: \r\ntraceparent: \r\n"                   \
            "Authorization: Bearer \r\n?\r\n"))


typedef enum {
    cigna_gate_out_other = 0,              /* leaves if the operator set it */
    cigna_gate_out_host,
    cigna_gate_out_connection,
    cigna_gate_out_passing,                /* leaves, whoever set it */
    cigna_gate_out_partial,                /* not where all is wanted */
    cigna_gate_out_conditional,            /* not from a search by POST */
    cigna_gate_out_range,                  /* neither nor */
    cigna_gate_out_content,                /* not from a search by POST */
    cigna_gate_out_id,
    cigna_gate_out_parent,
    cigna_gate_out_state,
    cigna_gate_out_hidden                  /* never leaves */
} cigna_gate_out_name_e;


typedef struct {
    const char             *name;
    cigna_gate_out_name_e   kind;
} cigna_gate_out_name_t;


/* by length; those that never leave also by the prefix "X-Forwarded-" */

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
    [12] = { { "content-type", cigna_gate_out_content },
             { "x-request-id", cigna_gate_out_id } },
    [13] = { { "if-none-match", cigna_gate_out_conditional },
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
    [17] = { { "if-modified-since", cigna_gate_out_conditional },
             { "transfer-encoding", cigna_gate_out_hidden } },
    [18] = { { "proxy-authenticate", cigna_gate_out_hidden } },
    [19] = { { "proxy-authorization", cigna_gate_out_hidden },
             { "x-cluster-client-ip", cigna_gate_out_hidden } }
};


/* what is special about a byte of a target */

#define CIGNA_GATE_OUT_BAD      0x01       /* stands in no target */
#define CIGNA_GATE_OUT_ESCAPE   0x02       /* "%" */
#define CIGNA_GATE_OUT_SLASH    0x04
#define CIGNA_GATE_OUT_ODD      0x08       /* stands in no path: "\", ";" */
#define CIGNA_GATE_OUT_HIGH     0x10       /* a part of a character */
#define CIGNA_GATE_OUT_DOT      0x20


typedef struct {
    /* of the segment: how many bytes, and how many of them are dots */
    size_t    len;
    size_t    dots;

    /* of a character that is not ASCII (RFC 3629, section 4) */
    unsigned  more;                        /* bytes to come */
    uint8_t   least;                       /* of the next one */
    uint8_t   most;
} cigna_gate_out_path_t;


/* what is remembered between lines */

typedef struct {
    unsigned  host:1;                      /* was written */
    unsigned  connection:1;
} cigna_gate_out_seen_t;


static unsigned cigna_gate_out_class(uint8_t c);
static int cigna_gate_out_printable(cigna_slice_t s);
static cigna_gate_out_e cigna_gate_out_read_target(cigna_gate_out_t *gate);
static int cigna_gate_out_plain(cigna_slice_t path);
static int cigna_gate_out_byte(cigna_gate_out_path_t *state, uint8_t c,
    int escaped);
static int cigna_gate_out_character(cigna_gate_out_path_t *state, uint8_t c);
static int cigna_gate_out_segment(const cigna_gate_out_path_t *state);
static int cigna_gate_out_decode(cigna_slice_t *s, uint8_t *c);
static cigna_gate_out_e cigna_gate_out_first(cigna_gate_out_t *gate,
    cigna_slice_t *request, cigna_buf_t *b);
static cigna_slice_t cigna_gate_out_searched(cigna_slice_t path);
static cigna_gate_out_e cigna_gate_out_header(cigna_gate_out_t *gate,
    cigna_slice_t *request, cigna_buf_t *b);
static int cigna_gate_out_cut_line(cigna_slice_t *request,
    cigna_slice_t *line);
static int cigna_gate_out_line(cigna_gate_out_t *gate, cigna_slice_t line,
    cigna_gate_out_seen_t *seen, cigna_buf_t *b);
static cigna_gate_out_name_e cigna_gate_out_kind(cigna_slice_t name);
static int cigna_gate_out_is_set(const cigna_gate_out_t *gate,
    cigna_slice_t name);
static int cigna_gate_out_leaves(cigna_gate_out_t *gate,
    cigna_gate_out_name_e kind, cigna_slice_t name);
static int cigna_gate_out_closes(cigna_slice_t value);
static void cigna_gate_out_append_line(cigna_buf_t *b, cigna_slice_t name,
    cigna_slice_t value);


cigna_gate_out_e
cigna_gate_out(cigna_gate_out_t *gate, cigna_slice_t request, cigna_buf_t *b)
{
    uint8_t           *line;
    cigna_slice_t      base;
    cigna_gate_out_e   e;

    /* what is not a target may still be a request that was never meant */

    e = cigna_gate_out_read_target(gate);

    if (e != cigna_gate_out_passed) {
        return e;
    }

    line = b->pos;

    e = cigna_gate_out_first(gate, &request, b);

    if (e != cigna_gate_out_passed) {
        return e;
    }

    e = cigna_gate_out_header(gate, &request, b);

    if (e != cigna_gate_out_passed || b->overflow) {
        return e != cigna_gate_out_passed ? e : cigna_gate_out_request;
    }

    /* where it leads is told by what leaves */

    gate->args = cigna_slice_make(line, b->pos);
    (void) cigna_slice_cut(&gate->args, ' ');
    gate->args = cigna_slice_cut(&gate->args, ' ');
    gate->line = gate->args;

    base = gate->base;

    gate->path = cigna_slice_cut(&gate->args, '?');
    gate->path = cigna_slice_skip(gate->path, base.len);

    return cigna_gate_out_passed;
}


size_t
cigna_gate_out_max(const cigna_gate_out_t *gate, size_t request_len)
{
    return request_len + gate->host.len + gate->token.len
           + gate->request_id.len + gate->traceparent.len + gate->query.len
           + CIGNA_GATE_OUT_EXTRA;
}


static unsigned
cigna_gate_out_class(uint8_t c)
{
    if (c <= ' ' || c == 0x7f || c == '#') {
        return CIGNA_GATE_OUT_BAD;
    }

    if (c >= 0x80) {
        return CIGNA_GATE_OUT_HIGH;
    }

    switch (c) {

    case '%':
        return CIGNA_GATE_OUT_ESCAPE;

    case '/':
        return CIGNA_GATE_OUT_SLASH;

    case '\\':
    case ';':
        return CIGNA_GATE_OUT_ODD;

    case '.':
        return CIGNA_GATE_OUT_DOT;

    default:
        return 0;
    }
}


/* no byte that would end a target, or a request line, anywhere */

static int
cigna_gate_out_printable(cigna_slice_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] <= ' ' || s.data[i] == 0x7f || s.data[i] == '#') {
            return 0;
        }
    }

    return 1;
}


/*
 * The base is not looked into: it is the operator's.  A path elsewhere is the
 * configuration's fault unless a caller can have meant it to be read in another
 * way.
 */

static cigna_gate_out_e
cigna_gate_out_read_target(cigna_gate_out_t *gate)
{
    cigna_slice_t  path, rest;

    if (!cigna_gate_out_printable(gate->target)) {
        return cigna_gate_out_target;
    }

    if (gate->base.len && gate->base.data[gate->base.len - 1] == '/') {
        gate->base.len--;
    }

    rest = gate->target;
    path = cigna_slice_cut(&rest, '?');

    if (!cigna_slice_starts(path, gate->base)) {
        return cigna_gate_out_plain(path) ? cigna_gate_out_base
                                          : cigna_gate_out_target;
    }

    rest = cigna_slice_skip(path, gate->base.len);

    if (!cigna_gate_out_plain(rest)) {
        return cigna_gate_out_target;
    }

    if (path.len == 0 || (rest.len && rest.data[0] != '/')) {
        return cigna_gate_out_base;
    }

    return cigna_gate_out_passed;
}


/* 1 if a path, or what follows the base in one, means the same to everybody */

static int
cigna_gate_out_plain(cigna_slice_t path)
{
    int                    escaped;
    uint8_t                c;
    cigna_gate_out_path_t  state;

    memset(&state, 0, sizeof(cigna_gate_out_path_t));

    /* the first slash follows the base */

    if (path.len && path.data[0] == '/') {
        path = cigna_slice_skip(path, 1);
    }

    while (path.len) {

        escaped = (path.data[0] == '%');

        if (!cigna_gate_out_decode(&path, &c)
            || !cigna_gate_out_byte(&state, c, escaped))
        {
            return 0;
        }
    }

    /* the last segment may be empty */

    return state.more == 0
           && (state.len == 0 || cigna_gate_out_segment(&state));
}


static int
cigna_gate_out_byte(cigna_gate_out_path_t *state, uint8_t c, int escaped)
{
    unsigned  class;

    class = cigna_gate_out_class(c);

    if (class == 0 && state->more == 0) {
        state->len++;
        return 1;
    }

    if (class == CIGNA_GATE_OUT_HIGH || state->more) {
        state->len++;
        return cigna_gate_out_character(state, c);
    }

    if (class == CIGNA_GATE_OUT_SLASH && !escaped) {

        if (!cigna_gate_out_segment(state)) {
            return 0;
        }

        state->len = 0;
        state->dots = 0;

        return 1;
    }

    state->len++;

    if (class == CIGNA_GATE_OUT_DOT) {
        state->dots++;
        return 1;
    }

    /* what would end a target may be meant if it is escaped */

    return class == CIGNA_GATE_OUT_BAD && escaped && (c == ' ' || c == '#');
}


/* bytes that are not ASCII, in the ranges of RFC 3629 */

static int
cigna_gate_out_character(cigna_gate_out_path_t *state, uint8_t c)
{
    if (state->more) {

        if (c < state->least || c > state->most) {
            return 0;
        }

        state->more--;
        state->least = 0x80;
        state->most = 0xbf;

        return 1;
    }

    state->least = (c == 0xe0) ? 0xa0 : (c == 0xf0) ? 0x90 : 0x80;
    state->most = (c == 0xed) ? 0x9f : (c == 0xf4) ? 0x8f : 0xbf;

    if (c >= 0xc2 && c <= 0xdf) {
        state->more = 1;

    } else if (c >= 0xe0 && c <= 0xef) {
        state->more = 2;

    } else if (c >= 0xf0 && c <= 0xf4) {
        state->more = 3;
    }

    return state->more != 0;
}


static int
cigna_gate_out_segment(const cigna_gate_out_path_t *state)
{
    return state->len && (state->dots != state->len || state->len > 2);
}


/* cuts one byte off the front; 0: a broken escape */

static int
cigna_gate_out_decode(cigna_slice_t *s, uint8_t *c)
{
    int     high, low;
    size_t  len;

    len = 1;
    *c = s->data[0];

    if (*c == '%') {

        if (s->len < 3) {
            return 0;
        }

        high = cigna_slice_hex(s->data[1]);
        low = cigna_slice_hex(s->data[2]);

        if (high < 0 || low < 0) {
            return 0;
        }

        *c = (uint8_t) (high << 4 | low);
        len = 3;
    }

    *s = cigna_slice_skip(*s, len);

    return 1;
}


/* the request line; its target is the one that was read */

static cigna_gate_out_e
cigna_gate_out_first(cigna_gate_out_t *gate, cigna_slice_t *request,
    cigna_buf_t *b)
{
    size_t         base;
    cigna_slice_t  line, method, path, query;

    if (!cigna_gate_out_cut_line(request, &line)) {
        return cigna_gate_out_request;
    }

    method = cigna_slice_cut(&line, ' ');

    if (!cigna_slice_eq(method, gate->search ? cigna_slice("POST")
                                             : cigna_slice("GET"))
        && (gate->search || !cigna_slice_eq(method, cigna_slice("HEAD"))))
    {
        return cigna_gate_out_request;
    }

    if (!cigna_slice_eq(cigna_slice_cut(&line, ' '), gate->target)
        || (!cigna_slice_eq(line, cigna_slice("HTTP/1.1"))
            && !cigna_slice_eq(line, cigna_slice("HTTP/1.0"))))
    {
        return cigna_gate_out_request;
    }

    query = gate->target;
    path = cigna_slice_cut(&query, '?');
    base = gate->base.len;

    if (gate->search) {

        method = cigna_slice("GET");
        query = gate->query;
        path = cigna_gate_out_searched(path);

        if (path.len <= base) {
            return cigna_gate_out_target;
        }
    }

    /* "<base>/?..." leads to the base itself, see cigna_link.c */

    if (gate->links && base && path.len == base + 1
        && gate->target.len > path.len)
    {
        path.len--;
    }

    cigna_buf_append(b, method);
    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, path);

    if (gate->search ? query.len != 0
                     : cigna_slice_has(gate->target, '?'))
    {
        cigna_buf_append_char(b, '?');
        cigna_buf_append(b, query);
    }

    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, line);
    cigna_buf_append_str(b, "\r\n");

    return cigna_gate_out_passed;
}


/* a path without "/_search" at its end; empty if it does not end so */

static cigna_slice_t
cigna_gate_out_searched(cigna_slice_t path)
{
    cigna_slice_t  end;

    end = cigna_slice("/_search");

    if (path.len < end.len
        || !cigna_slice_eq(cigna_slice_skip(path, path.len - end.len), end))
    {
        return cigna_slice_null;
    }

    path.len -= end.len;

    return path;
}


static cigna_gate_out_e
cigna_gate_out_header(cigna_gate_out_t *gate, cigna_slice_t *request,
    cigna_buf_t *b)
{
    cigna_slice_t          line;
    cigna_gate_out_seen_t  seen;

    memset(&seen, 0, sizeof(cigna_gate_out_seen_t));

    for ( ;; ) {

        if (!cigna_gate_out_cut_line(request, &line)) {
            return cigna_gate_out_lines;
        }

        if (line.len == 0) {
            break;
        }

        if (!cigna_gate_out_line(gate, line, &seen, b)) {
            return cigna_gate_out_lines;
        }
    }

    if (request->len) {
        return cigna_gate_out_lines;
    }

    if (!seen.host) {
        cigna_gate_out_append_line(b, cigna_slice("Host: "), gate->host);
    }

    cigna_gate_out_append_line(b, cigna_slice("X-Request-Id: "),
                               gate->request_id);
    cigna_gate_out_append_line(b, cigna_slice("traceparent: "),
                               gate->traceparent);
    cigna_gate_out_append_line(b, cigna_slice("Authorization: Bearer "),
                               gate->token);
    cigna_buf_append_str(b, "\r\n");

    return cigna_gate_out_passed;
}


/* 0: none that ends with CR LF is left, or it has another CR in it */

static int
cigna_gate_out_cut_line(cigna_slice_t *request, cigna_slice_t *line)
{
    const uint8_t  *lf;

    lf = request->len ? memchr(request->data, '\n', request->len) : NULL;

    if (lf == NULL || lf == request->data || lf[-1] != '\r') {
        return 0;
    }

    *line = cigna_slice_make(request->data, lf - 1);
    *request = cigna_slice_skip(*request, line->len + 2);

    return line->len == 0 || memchr(line->data, '\r', line->len) == NULL;
}


static int
cigna_gate_out_line(cigna_gate_out_t *gate, cigna_slice_t line,
    cigna_gate_out_seen_t *seen, cigna_buf_t *b)
{
    cigna_slice_t          name, value;
    cigna_gate_out_name_e  kind;

    value = line;
    name = cigna_slice_cut(&value, ':');

    if (name.len == 0 || name.len == line.len) {
        return 0;
    }

    kind = cigna_gate_out_kind(name);

    switch (kind) {

    case cigna_gate_out_host:

        if (!seen->host) {
            seen->host = 1;
            cigna_gate_out_append_line(b, cigna_slice("Host: "), gate->host);
        }

        return 1;

    case cigna_gate_out_connection:

        if (!seen->connection && cigna_gate_out_closes(value)) {
            seen->connection = 1;
            cigna_buf_append_str(b, "Connection: close\r\n");
        }

        return 1;

    default:

        if (!cigna_gate_out_leaves(gate, kind, name)) {
            return 1;
        }
    }

    if (!cigna_gate_out_value(value)) {
        return 0;
    }

    cigna_buf_append(b, line);
    cigna_buf_append_str(b, "\r\n");

    return 1;
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
                && cigna_slice_eq_case(name, (cigna_slice_t) {
                       (const uint8_t *) n[i].name, name.len }))
            {
                return n[i].kind;
            }
        }
    }

    if (first == 'x' && name.len > 12
        && cigna_slice_eq_case((cigna_slice_t) { name.data, 12 },
                               cigna_slice("x-forwarded-")))
    {
        return cigna_gate_out_hidden;
    }

    return cigna_gate_out_other;
}


int
cigna_gate_out_never(cigna_slice_t name)
{
    return name.len && cigna_gate_out_kind(name) == cigna_gate_out_hidden;
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


/* nginx has left out the caller's lines of names that the operator sets */

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

    case cigna_gate_out_conditional:
    case cigna_gate_out_content:
        return !gate->search;

    case cigna_gate_out_state:
        return gate->tracestate || cigna_gate_out_is_set(gate, name);

    case cigna_gate_out_id:

        if (!cigna_gate_out_is_set(gate, name)) {
            return 0;
        }

        gate->request_id = cigna_slice_null;
        return 1;

    case cigna_gate_out_parent:

        if (!cigna_gate_out_is_set(gate, name)) {
            return 0;
        }

        gate->traceparent = cigna_slice_null;
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


int
cigna_gate_out_value(cigna_slice_t value)
{
    size_t  i;

    for (i = 0; i < value.len; i++) {

        if ((value.data[i] < ' ' && value.data[i] != '\t')
            || value.data[i] == 0x7f)
        {
            return 0;
        }
    }

    return 1;
}


/* name: with its colon and what follows it; a line without a value is none */

static void
cigna_gate_out_append_line(cigna_buf_t *b, cigna_slice_t name,
    cigna_slice_t value)
{
    if (value.len == 0) {
        return;
    }

    cigna_buf_append(b, name);
    cigna_buf_append(b, value);
    cigna_buf_append_str(b, "\r\n");
}
