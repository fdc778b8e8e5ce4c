
#include "cigna_trace.h"


#define CIGNA_TRACEPARENT_LEN    55        /* bytes of a traceparent, version
                                              00 */
#define CIGNA_TRACE_ID_LEN       32        /* hexadecimal digits */
#define CIGNA_SPAN_ID_LEN        16
#define CIGNA_TRACESTATE_MAX     8192      /* most bytes of a tracestate */
#define CIGNA_TRACESTATE_COUNT   32        /* most members of a tracestate */
#define CIGNA_TRACESTATE_MEMBER  256       /* most bytes of a member's key or
                                              value */


static int cigna_trace_hex(const uint8_t *p, size_t len);
static int cigna_trace_id(const uint8_t *p, size_t len);
static int cigna_tracestate_member(cigna_slice_t member);
static int cigna_tracestate_key(cigna_slice_t key);
static int cigna_tracestate_value(cigna_slice_t value);


int
cigna_request_id_valid(cigna_slice_t id)
{
    return id.len > 0 && id.len <= CIGNA_REQUEST_ID_MAX
           && cigna_slice_only(id, "-._~+/=:@");
}


/*
 * a traceparent of a version after 00 may have more fields, each after a "-"
 */

int
cigna_traceparent_valid(cigna_slice_t value)
{
    const uint8_t  *p = value.data;

    if (value.len < CIGNA_TRACEPARENT_LEN
        || !cigna_trace_hex(p, 2) || p[2] != '-'
        || !cigna_trace_id(p + 3, CIGNA_TRACE_ID_LEN) || p[35] != '-'
        || !cigna_trace_id(p + 36, CIGNA_SPAN_ID_LEN) || p[52] != '-'
        || !cigna_trace_hex(p + 53, 2)
        || (p[0] == 'f' && p[1] == 'f'))
    {
        return 0;
    }

    if (value.len == CIGNA_TRACEPARENT_LEN) {
        return 1;
    }

    return (p[0] != '0' || p[1] != '0')
           && p[CIGNA_TRACEPARENT_LEN] == '-'
           && cigna_request_id_valid(value);
}


static int
cigna_trace_hex(const uint8_t *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) {
            return 0;
        }
    }

    return 1;
}


static int
cigna_trace_id(const uint8_t *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len && p[i] == '0'; i++) {
        /* void */
    }

    return i < len && cigna_trace_hex(p, len);
}


int
cigna_tracestate_valid(cigna_slice_t value)
{
    size_t         n;
    cigna_slice_t  member;

    if (value.len > CIGNA_TRACESTATE_MAX) {
        return 0;
    }

    n = 0;

    while (value.len) {

        member = cigna_slice_trim(cigna_slice_cut(&value, ','));

        if (member.len == 0) {
            continue;
        }

        if (++n > CIGNA_TRACESTATE_COUNT || !cigna_tracestate_member(member)) {
            return 0;
        }
    }

    return n > 0;
}


static int
cigna_tracestate_member(cigna_slice_t member)
{
    cigna_slice_t  key;

    key = cigna_slice_cut(&member, '=');

    return cigna_tracestate_key(key) && cigna_tracestate_value(member);
}


static int
cigna_tracestate_key(cigna_slice_t key)
{
    size_t  i;

    for (i = 0; i < key.len; i++) {
        if (cigna_slice_lower(key.data[i]) != key.data[i]) {
            return 0;
        }
    }

    return key.len > 0 && key.len <= CIGNA_TRACESTATE_MEMBER
           && cigna_slice_alnum(key.data[0])
           && cigna_slice_only(key, "_-*/@");
}


static int
cigna_tracestate_value(cigna_slice_t value)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < value.len; i++) {

        c = value.data[i];

        if (c < 0x20 || c > 0x7e || c == '=') {
            return 0;
        }
    }

    return value.len > 0 && value.len <= CIGNA_TRACESTATE_MEMBER;
}
