
#include "fuzz.h"

#include "fhir/cigna_gate_out.h"


/*
 * Checks the invariants (1) to (4) of cigna_gate_out.c.  A second parser, which
 * follows RFC 9112 and knows nothing of the gate, reads the output.
 */

#define ROOM  65536


typedef struct {
    cigna_slice_t  method;
    cigna_slice_t  target;
    unsigned       hosts;
    unsigned       authorizations;
} seen_t;


static const cigna_slice_t  operators[] = {
    { (const uint8_t *) "X-App", 5 },
    { (const uint8_t *) "X-Request-Id", 12 },
    { (const uint8_t *) "traceparent", 11 },
    { (const uint8_t *) "Authorization", 13 },
    { (const uint8_t *) "Content-Length", 14 }
};


static const char *const  listed[] = {
    "Host", "Connection", "Authorization", "X-Request-Id", "traceparent",
    "tracestate", "X-App", "Range", "Accept", "Prefer", "If-Range",
    "User-Agent", "Content-Type", "If-None-Match", "Accept-Charset",
    "Accept-Encoding", "Accept-Language", "If-Modified-Since", NULL
};


static cigna_slice_t
line_of(cigna_slice_t *rest)
{
    size_t         i;
    cigna_slice_t  line;

    for (i = 0; i < rest->len; i++) {

        if (rest->data[i] == '\r') {
            fuzz_assert(i + 1 < rest->len && rest->data[i + 1] == '\n');

            line = cigna_slice_make(rest->data, rest->data + i);
            *rest = cigna_slice_skip(*rest, i + 2);
            return line;
        }

        fuzz_assert(rest->data[i] != '\n' && rest->data[i] != '\0');
    }

    fuzz_assert(!"a line without an end");

    return cigna_slice_null;
}


static int
is_listed(cigna_slice_t name)
{
    const char *const  *l;

    for (l = listed; *l; l++) {
        if (cigna_slice_eq_case(name, cigna_slice_str(*l))) {
            return 1;
        }
    }

    return 0;
}


static void
read_request(cigna_slice_t text, seen_t *seen)
{
    size_t         i, spaces;
    cigna_slice_t  line, name;

    memset(seen, 0, sizeof(seen_t));

    line = line_of(&text);
    spaces = 0;

    for (i = 0; i < line.len; i++) {
        fuzz_assert(line.data[i] >= ' ' && line.data[i] != 0x7f);
        spaces += (line.data[i] == ' ');
    }

    fuzz_assert(spaces == 2);

    seen->method = cigna_slice_cut(&line, ' ');
    seen->target = cigna_slice_cut(&line, ' ');

    fuzz_assert(cigna_slice_eq(line, cigna_slice("HTTP/1.1"))
                || cigna_slice_eq(line, cigna_slice("HTTP/1.0")));

    while ((line = line_of(&text)).len) {

        for (i = 0; i < line.len; i++) {
            fuzz_assert((line.data[i] >= ' ' || line.data[i] == '\t')
                        && line.data[i] != 0x7f);
        }

        name = cigna_slice_cut(&line, ':');

        fuzz_assert(is_listed(name));
        seen->hosts += cigna_slice_eq_case(name, cigna_slice("Host"));
        seen->authorizations += cigna_slice_eq_case(name,
                                             cigna_slice("Authorization"));

        if (cigna_slice_eq_case(name, cigna_slice("Host"))) {
            fuzz_assert(cigna_slice_eq(line, cigna_slice(" fhir.example")));
        }

        if (cigna_slice_eq_case(name, cigna_slice("Authorization"))) {
            fuzz_assert(cigna_slice_eq(line, cigna_slice(" Bearer token")));
        }

        if (cigna_slice_eq_case(name, cigna_slice("Connection"))) {
            fuzz_assert(cigna_slice_eq(line, cigna_slice(" close")));
        }
    }

    /* nothing follows the header */

    fuzz_assert(text.len == 0);
}


/*
 * The path begins with the base.  Once its escapes are decoded, no segment is a
 * dot segment, empty (but for the last) or ambiguous.
 */

static void
check_path(cigna_slice_t path, cigna_slice_t base)
{
    size_t   i, n;
    uint8_t  c, segment[ROOM];

    fuzz_assert(cigna_slice_starts(path, base));
    path = cigna_slice_skip(path, base.len);
    fuzz_assert(path.len == 0 || path.data[0] == '/');

    for (i = 1, n = 0; i <= path.len; i++) {

        if (i == path.len || path.data[i] == '/') {
            fuzz_assert(i == path.len || n);
            fuzz_assert(!(n == 1 && segment[0] == '.'));
            fuzz_assert(!(n == 2 && segment[0] == '.' && segment[1] == '.'));
            n = 0;
            continue;
        }

        c = path.data[i];

        if (c == '%') {
            fuzz_assert(i + 2 < path.len);
            c = (uint8_t) (cigna_slice_hex(path.data[i + 1]) << 4
                           | cigna_slice_hex(path.data[i + 2]));
            i += 2;
        }

        fuzz_assert(c >= ' ' && c != 0x7f && c != '/' && c != '\\' && c != ';'
                    && c != '%');
        segment[n++] = c;
    }
}


/*
 * Makes the input a request whose target the gate knows, or leaves it as it is.
 * The bits of "how" choose.
 */

static cigna_slice_t
as_request(cigna_slice_t in, uint8_t how, cigna_gate_out_t *gate, uint8_t *p)
{
    uint8_t       *start;
    cigna_slice_t  target;

    if (how & 1) {
        gate->target = fuzz_cut(&in, fuzz_byte(&in));
        return in;
    }

    start = p;
    target = fuzz_cut(&in, fuzz_byte(&in));

    memcpy(p, gate->search ? "POST " : "GET ", 5);
    p += gate->search ? 5 : 4;

    gate->target.data = p;

    if (how & 2) {
        memcpy(p, gate->base.data, gate->base.len);
        p += gate->base.len;
    }

    if (target.len) {
        memcpy(p, target.data, target.len);
        p += target.len;
    }

    if (gate->search) {
        memcpy(p, "/_search", 8);
        p += 8;
    }

    gate->target.len = (size_t) (p - gate->target.data);

    memcpy(p, " HTTP/1.1\r\n", 11);
    p += 11;

    if (in.len) {
        memcpy(p, in.data, in.len);
        p += in.len;
    }

    return cigna_slice_make(start, p);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t     made[ROOM], once[ROOM], twice[ROOM];

    uint8_t            flags, how;
    seen_t             seen;
    cigna_buf_t        b;
    cigna_slice_t      in, request, base, path, written;
    cigna_gate_out_t   gate, again;
    cigna_gate_out_e   e;

    if (size > 4096) {
        return 0;
    }

    in = fuzz_input(data, size);
    flags = fuzz_byte(&in);
    how = fuzz_byte(&in);

    memset(&gate, 0, sizeof(cigna_gate_out_t));

    base = cigna_slice("/base/r4");
    gate.base = (flags & 0x80) ? cigna_slice("/base/r4/") : base;
    gate.host = cigna_slice("fhir.example");
    gate.set = operators;
    gate.nset = (flags & 1) ? 5 : 1;
    gate.request_id = cigna_slice("id");
    gate.token = (flags & 2) ? cigna_slice_null : cigna_slice("token");
    gate.search = (flags & 4) != 0;
    gate.query = gate.search ? cigna_slice("a=1&b=%20") : cigna_slice_null;
    gate.traceparent = (flags & 0x40) != 0;
    gate.tracestate = (flags & 8) != 0;
    gate.links = (flags & 0x10) != 0;
    gate.whole = (flags & 0x20) != 0;

    request = as_request(in, how, &gate, made);
    again = gate;

    cigna_buf_init(&b, once, cigna_gate_out_max(&gate, request.len));
    fuzz_assert(cigna_gate_out_max(&gate, request.len) <= ROOM);

    e = cigna_gate_out(&gate, request, &b);

    fuzz_assert(!b.overflow);
    fuzz_assert(e < CIGNA_GATE_OUT_MAX);

    if (e != cigna_gate_out_passed) {
        return 0;
    }

    written = cigna_buf_slice(&b);
    read_request(written, &seen);

    fuzz_assert(seen.hosts == 1);
    fuzz_assert(seen.authorizations == (gate.token.len != 0));
    fuzz_assert(cigna_slice_eq(seen.method, cigna_slice("GET"))
                || (!gate.search
                    && cigna_slice_eq(seen.method, cigna_slice("HEAD"))));

    fuzz_assert(gate.line.data == seen.target.data
                && gate.line.len == seen.target.len);

    path = seen.target;
    check_path(cigna_slice_cut(&path, '?'), base);

    /* invariant (4) of cigna_gate_out.c */

    again.search = 0;
    again.target = gate.line;
    again.request_id = gate.request_id;

    cigna_buf_init(&b, twice, ROOM);
    fuzz_assert(cigna_gate_out(&again, written, &b) == cigna_gate_out_passed);
    fuzz_assert(cigna_slice_eq(cigna_buf_slice(&b), written));

    return 0;
}
