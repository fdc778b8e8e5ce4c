
/*
 * Links in FHIR resources.
 *
 * A link is a string that begins with a known base and is (FHIR R4)
 *
 *     "reference"    of a Reference
 *     "fullUrl"      of a Bundle's entry, "url" of its link and of an entry's
 *                    link and request, "location" of its response
 *     of type url    "url" of an Attachment, of a RelatedArtifact and of an
 *                    implementation, "address" of an Endpoint, valueUrl, ...
 *
 * at any depth, also inside an extension.  FHIR uses some keys for links and
 * for other strings.  Then the kind of the object decides, which follows from
 * the object's own key: cigna_link_keys.c has the list.  All other bytes stay.
 * Other strings of type uri or canonical are names, not links: the "url" of an
 * extension or of a canonical resource, "system", "profile", "source",
 * "instantiatesUri".
 *
 * A byte order mark stays (a reader may ignore it, RFC 8259).
 *
 *   value --+--> string --> after --+--> key --> colon --> value
 *     ^     +--> link ----> after   |
 *     |     +--> scalar --> after   +--> value  (array)
 *     |     +--> first_key, first_value         +--> over
 *     +-----------------------------+
 *
 *   from anywhere:  --> broken
 *
 * In the state "link" the filter keeps bytes until it knows whether the string
 * begins with a base.  Usually one byte is enough, because most references are
 * relative.  After a base the filter keeps the path, which ends at "?", "#" or
 * the quote.  A path with a dot segment in any form would lead out of the
 * gateway's location.  So such a link is not rewritten.  A link with a path of
 * more than CIGNA_LINK_KEYS_PATH_MAX bytes is not rewritten, either; no path of
 * FHIR is that long.
 *
 * Invariants, checked by t/fuzz/fhir/fuzz_link_filter.c:
 *
 *   (1) the output depends only on the bytes, not on where they are cut;
 *   (2) without a link to a known base the output equals the input, also if the
 *       input is not JSON;
 *   (3) otherwise output and input differ only in the bases of links, as bytes
 *       and as parsed JSON;
 *   (4) the filter never keeps more than CIGNA_LINK_KEYS_KEPT_MAX bytes, and
 *       none after the end;
 *   (5) a rewritten link has no dot segment in its path.
 *
 * A malformed string (a control byte, the end of the text) is not rewritten,
 * unless its base and path were recognised before.  A base is recognised at the
 * latest when more characters have come than the longest base has, or when a
 * character comes that no URL may have.  A path is recognised at the "?" or "#"
 * that ends it.
 */


#include <string.h>

#include "json/cigna_json_scan.h"
#include "cigna_link_filter.h"


typedef enum {
    cigna_link_filter_st_start = 0,        /* at a byte order mark or value */
    cigna_link_filter_st_value,
    cigna_link_filter_st_first_value,      /* at a value or "]" */
    cigna_link_filter_st_first_key,        /* at a key or "}" */
    cigna_link_filter_st_key,
    cigna_link_filter_st_in_key,
    cigna_link_filter_st_colon,
    cigna_link_filter_st_string,
    cigna_link_filter_st_link,
    cigna_link_filter_st_escape,
    cigna_link_filter_st_hex,
    cigna_link_filter_st_scalar,
    cigna_link_filter_st_after,            /* after a value */
    cigna_link_filter_st_over,
    cigna_link_filter_st_broken
} cigna_link_filter_state_e;


/*
 * A bit of each element of "stack".  1: the element stands for an object; 0:
 * for an array.  The other bits are the kind of that object or array.
 */

#define CIGNA_LINK_FILTER_OBJECT  0x01


static int cigna_link_filter_keeps(const cigna_link_filter_t *l);
static const uint8_t *cigna_link_filter_run(cigna_link_filter_t *l,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *cigna_link_filter_start(cigna_link_filter_t *l,
    const uint8_t *p);
static const uint8_t *cigna_link_filter_stopped(cigna_link_filter_t *l,
    const uint8_t *p);
static unsigned cigna_link_filter_next_state(cigna_link_filter_t *l);
static void cigna_link_filter_value(cigna_link_filter_t *l, uint8_t c);
static void cigna_link_filter_open(cigna_link_filter_t *l, unsigned object);
static void cigna_link_filter_close(cigna_link_filter_t *l, uint8_t c);
static const uint8_t *cigna_link_filter_key(cigna_link_filter_t *l,
    const uint8_t *p, const uint8_t *end);
static void cigna_link_filter_key_add(cigna_link_filter_t *l, const uint8_t *p,
    size_t len);
static void cigna_link_filter_named(cigna_link_filter_t *l, const uint8_t *key,
    size_t len);
static const uint8_t *cigna_link_filter_link(cigna_link_filter_t *l,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *cigna_link_filter_begin_escape(cigna_link_filter_t *l,
    const uint8_t *p);
static void cigna_link_filter_escape(cigna_link_filter_t *l, uint8_t c);
static void cigna_link_filter_hex(cigna_link_filter_t *l, uint8_t c);
static void cigna_link_filter_unescaped(cigna_link_filter_t *l, unsigned code);
static void cigna_link_filter_decided(cigna_link_filter_t *l, int rc);
static void cigna_link_filter_stays(cigna_link_filter_t *l);
static void cigna_link_filter_break(cigna_link_filter_t *l);


void
cigna_link_filter_init(cigna_link_filter_t *l, const cigna_bases_t *bases,
    cigna_slice_t base_url)
{
    l->bases = bases;
    l->base_url = base_url;

    l->rewritten = 0;
    l->elsewhere = 0;
    l->outside = 0;
    l->broken = 0;

    l->state = cigna_link_filter_st_start;
    l->mark = 0;
    l->depth = 0;
    l->key_len = 0;
    l->within = CIGNA_LINK_KEYS_IN_RESOURCE;
    l->link = 0;

    cigna_link_keys_init(&l->url);
}


int
cigna_link_filter_next(cigna_link_filter_t *l, cigna_slice_t *in,
    cigna_slice_t *piece)
{
    const uint8_t  *p, *start, *end;

    start = in->data;
    end = in->data + in->len;
    p = start;

    for ( ;; ) {

        if (l->url.releasing
            && cigna_link_keys_release(&l->url, piece) == CIGNA_OK)
        {
            *in = cigna_slice_make(p, end);
            return CIGNA_OK;
        }

        while (p < end && !cigna_link_filter_keeps(l)) {
            p = cigna_link_filter_run(l, p, end);
        }

        if (p > start) {
            break;
        }

        while (p < end && cigna_link_filter_keeps(l)) {
            p = cigna_link_filter_link(l, p, end);
        }

        start = p;

        if (p == end && !l->url.releasing) {
            break;
        }
    }

    *piece = cigna_slice_make(start, p);
    *in = cigna_slice_make(p, end);

    return piece->len ? CIGNA_OK : CIGNA_AGAIN;
}


/* 1 while bytes are kept: in a string that may be a link, or in its escapes */

static int
cigna_link_filter_keeps(const cigna_link_filter_t *l)
{
    return l->state == cigna_link_filter_st_link
           || (l->url.kept_len && !l->url.releasing);
}


/*
 * Reads bytes that the filter does not change.  Stops after the opening quote
 * of a string that may be a link.
 */

static const uint8_t *
cigna_link_filter_run(cigna_link_filter_t *l, const uint8_t *p,
    const uint8_t *end)
{
    uint8_t   c;
    unsigned  state;

    state = l->state;

    while (p < end) {

        switch ((cigna_link_filter_state_e) state) {

        case cigna_link_filter_st_string:

            p = cigna_json_run(p, end);

            if (p == end) {
                break;
            }

            if (*p != '"') {
                l->state = state;
                return cigna_link_filter_stopped(l, p);
            }

            p++;
            state = l->depth ? cigna_link_filter_st_after
                             : cigna_link_filter_st_over;
            continue;

        case cigna_link_filter_st_in_key:

            l->state = state;
            p = cigna_link_filter_key(l, p, end);
            state = l->state;
            continue;

        case cigna_link_filter_st_scalar:

            while (p < end && cigna_json_is_scalar(*p)) {
                p++;
            }

            if (p < end) {
                state = l->depth ? cigna_link_filter_st_after
                                 : cigna_link_filter_st_over;
            }

            continue;

        case cigna_link_filter_st_after:

            c = *p++;

            if (c == ',' && l->depth) {
                state = cigna_link_filter_next_state(l);
                continue;
            }

            if (cigna_json_is_space(c)) {
                p = cigna_json_space(p, end);
                continue;
            }

            l->state = state;
            cigna_link_filter_close(l, c);
            state = l->state;
            continue;

        case cigna_link_filter_st_colon:

            c = *p++;

            if (c == ':') {
                state = cigna_link_filter_st_value;
                continue;
            }

            if (cigna_json_is_space(c)) {
                p = cigna_json_space(p, end);
                continue;
            }

            cigna_link_filter_break(l);
            return end;

        case cigna_link_filter_st_key:
        case cigna_link_filter_st_first_key:

            c = *p++;

            if (c == '"') {
                l->key_len = 0;
                state = cigna_link_filter_st_in_key;
                continue;
            }

            if (cigna_json_is_space(c)) {
                p = cigna_json_space(p, end);
                continue;
            }

            if (c == '}' && state == cigna_link_filter_st_first_key) {
                cigna_link_filter_close(l, c);
                state = l->state;
                continue;
            }

            cigna_link_filter_break(l);
            return end;

        case cigna_link_filter_st_value:
        case cigna_link_filter_st_first_value:

            c = *p++;

            if (c == '"' && !l->link) {
                state = cigna_link_filter_st_string;
                continue;
            }

            if (cigna_json_is_space(c)) {
                p = cigna_json_space(p, end);
                continue;
            }

            l->state = state;
            cigna_link_filter_value(l, c);
            state = l->state;
            continue;

        case cigna_link_filter_st_over:

            p = cigna_json_space(p, end);

            if (p == end) {
                continue;
            }

            cigna_link_filter_break(l);
            return end;

        case cigna_link_filter_st_broken:
            p = end;
            break;

        case cigna_link_filter_st_escape:
            l->state = state;
            cigna_link_filter_escape(l, *p++);
            state = l->state;
            continue;

        case cigna_link_filter_st_hex:
            l->state = state;
            cigna_link_filter_hex(l, *p++);
            state = l->state;
            continue;

        case cigna_link_filter_st_start:
            p = cigna_link_filter_start(l, p);
            state = l->state;
            continue;

        case cigna_link_filter_st_link:
            break;
        }

        break;
    }

    l->state = state;

    return p;
}


static const uint8_t *
cigna_link_filter_start(cigna_link_filter_t *l, const uint8_t *p)
{
    static const uint8_t  mark[] = CIGNA_JSON_MARK;

    if (*p == mark[l->mark]) {

        if (++l->mark == sizeof(mark) - 1) {
            l->state = cigna_link_filter_st_value;
        }

        return p + 1;
    }

    l->state = cigna_link_filter_st_value;

    if (l->mark) {
        cigna_link_filter_break(l);
    }

    return p;
}


/*
 * reads the byte after a run of plain characters in a string: a backslash
 * begins an escape, any other byte is an error
 */

static const uint8_t *
cigna_link_filter_stopped(cigna_link_filter_t *l, const uint8_t *p)
{
    if (*p == '\\') {
        l->resume = l->state;
        l->state = cigna_link_filter_st_escape;

    } else {
        cigna_link_filter_break(l);
    }

    return p + 1;
}


/* the state after a comma */

static unsigned
cigna_link_filter_next_state(cigna_link_filter_t *l)
{
    unsigned  top;

    top = l->stack[l->depth - 1];

    if (top & CIGNA_LINK_FILTER_OBJECT) {
        return cigna_link_filter_st_key;
    }

    l->within = top;
    l->link = 0;

    return cigna_link_filter_st_value;
}


/* reads the first byte of a value, or "]" in place of the first value */

static void
cigna_link_filter_value(cigna_link_filter_t *l, uint8_t c)
{
    switch (c) {

    case '"':
        l->state = cigna_link_filter_st_link;
        return;

    case '{':
        cigna_link_filter_open(l, CIGNA_LINK_FILTER_OBJECT);
        return;

    case '[':
        cigna_link_filter_open(l, 0);
        return;

    case ']':

        if (l->state == cigna_link_filter_st_first_value) {
            cigna_link_filter_close(l, c);
            return;
        }

        break;

    default:

        if (cigna_json_is_scalar(c)) {
            l->state = cigna_link_filter_st_scalar;
            return;
        }
    }

    cigna_link_filter_break(l);
}


static void
cigna_link_filter_open(cigna_link_filter_t *l, unsigned object)
{
    if (l->depth == CIGNA_LINK_FILTER_DEPTH_MAX) {
        cigna_link_filter_break(l);
        return;
    }

    /*
     * the values of an array have the array's kind; its strings are not links
     */

    l->stack[l->depth++] = l->within | object;
    l->link = 0;

    l->state = object ? cigna_link_filter_st_first_key
                      : cigna_link_filter_st_first_value;
}


static void
cigna_link_filter_close(cigna_link_filter_t *l, uint8_t c)
{
    uint8_t  closes;

    if (l->depth == 0) {
        cigna_link_filter_break(l);
        return;
    }

    closes = (l->stack[--l->depth] & CIGNA_LINK_FILTER_OBJECT) ? '}' : ']';

    if (c != closes) {
        cigna_link_filter_break(l);
        return;
    }

    l->state = l->depth ? cigna_link_filter_st_after
                        : cigna_link_filter_st_over;
}


static const uint8_t *
cigna_link_filter_key(cigna_link_filter_t *l, const uint8_t *p,
    const uint8_t *end)
{
    const uint8_t  *stop;

    stop = cigna_json_run(p, end);

    if (stop < end && *stop == '"' && l->key_len == 0) {

        /* the whole key is in this piece */

        cigna_link_filter_named(l, p, stop - p);
        return stop + 1;
    }

    cigna_link_filter_key_add(l, p, stop - p);

    if (stop == end) {
        return stop;
    }

    if (*stop == '"') {
        cigna_link_filter_named(l, l->key, l->key_len);
        return stop + 1;
    }

    return cigna_link_filter_stopped(l, stop);
}


static void
cigna_link_filter_key_add(cigna_link_filter_t *l, const uint8_t *p, size_t len)
{
    if (l->key_len > CIGNA_LINK_FILTER_KEY_MAX
        || len > CIGNA_LINK_FILTER_KEY_MAX - l->key_len)
    {
        l->key_len = CIGNA_LINK_FILTER_KEY_MAX + 1;
        return;
    }

    memcpy(l->key + l->key_len, p, len);
    l->key_len += len;
}


/*
 * Reads a string that may be a link.  Keeps its bytes until the filter knows
 * whether to replace them.
 */

static const uint8_t *
cigna_link_filter_link(cigna_link_filter_t *l, const uint8_t *p,
    const uint8_t *end)
{
    uint8_t  c;

    c = *p;

    switch ((cigna_link_filter_state_e) l->state) {

    case cigna_link_filter_st_escape:
        cigna_link_keys_keep(&l->url, c);
        cigna_link_filter_escape(l, c);
        return p + 1;

    case cigna_link_filter_st_hex:
        cigna_link_keys_keep(&l->url, c);
        cigna_link_filter_hex(l, c);
        return p + 1;

    default: /* cigna_link_filter_st_link */
        break;
    }

    if (c == '"') {
        cigna_link_filter_decided(l, cigna_link_keys_end(&l->url, l->bases,
                                                         l->base_url));
        return p;
    }

    if (c == '\\') {
        return cigna_link_filter_begin_escape(l, p);
    }

    if (c < 0x20) {
        cigna_link_filter_break(l);
        return p;
    }

    cigna_link_filter_decided(l, cigna_link_keys_bytes(&l->url, l->bases,
                                                       l->base_url, &p, end));
    return p;
}


static const uint8_t *
cigna_link_filter_begin_escape(cigna_link_filter_t *l, const uint8_t *p)
{
    if (cigna_link_keys_full(&l->url)) {
        cigna_link_keys_give_up(&l->url);
        cigna_link_filter_decided(l, CIGNA_NONE);
        return p;
    }

    cigna_link_keys_keep(&l->url, *p);

    l->resume = l->state;
    l->state = cigna_link_filter_st_escape;

    return p + 1;
}


static void
cigna_link_filter_named(cigna_link_filter_t *l, const uint8_t *key, size_t len)
{
    unsigned  within;

    within = CIGNA_LINK_KEYS_IN_OTHER;
    l->link = 0;

    /* a longer key counts as unknown, even if it came in one piece */

    if (len <= CIGNA_LINK_FILTER_KEY_MAX) {
        l->link = cigna_link_keys_key(cigna_slice_make(key, key + len),
                                      l->stack[l->depth - 1], &within);
    }

    l->within = within;
    l->state = cigna_link_filter_st_colon;
}


static void
cigna_link_filter_escape(cigna_link_filter_t *l, uint8_t c)
{
    static const uint8_t  codes[128] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f',
        ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
    };

    if (c == 'u') {
        l->digits = 4;
        l->code = 0;
        l->state = cigna_link_filter_st_hex;
        return;
    }

    if (c >= 128 || codes[c] == 0) {
        cigna_link_filter_break(l);
        return;
    }

    l->state = l->resume;
    cigna_link_filter_unescaped(l, codes[c]);
}


static void
cigna_link_filter_hex(cigna_link_filter_t *l, uint8_t c)
{
    int  digit;

    digit = cigna_slice_hex(c);

    if (digit < 0) {
        cigna_link_filter_break(l);
        return;
    }

    l->code = l->code << 4 | (unsigned) digit;

    if (--l->digits == 0) {
        l->state = l->resume;
        cigna_link_filter_unescaped(l, l->code);
    }
}


/* reads an escaped character; those beyond ASCII need not be told apart */

static void
cigna_link_filter_unescaped(cigna_link_filter_t *l, unsigned code)
{
    uint8_t  c;

    c = code < 0x80 ? (uint8_t) code : 0xff;

    if (l->state == cigna_link_filter_st_in_key) {
        cigna_link_filter_key_add(l, &c, 1);
        return;
    }

    if (l->state == cigna_link_filter_st_link) {
        cigna_link_filter_decided(l, cigna_link_keys_char(&l->url, l->bases,
                                                          l->base_url, c));
    }
}


/*
 * counts the link once it is known whether it is rewritten; the rest of its
 * string does not change
 */

static void
cigna_link_filter_decided(cigna_link_filter_t *l, int rc)
{
    if (rc == CIGNA_AGAIN) {
        return;
    }

    if (rc == CIGNA_OK) {
        l->rewritten++;

    } else {
        cigna_link_filter_stays(l);
    }

    l->state = cigna_link_filter_st_string;
}


static void
cigna_link_filter_stays(cigna_link_filter_t *l)
{
    cigna_slice_t  text;

    if (l->url.based) {
        l->outside++;
        return;
    }

    text = cigna_slice_make(l->url.text, l->url.text + l->url.text_len);

    if ((l->stack[l->depth - 1] & CIGNA_LINK_KEYS_IN_LINK)
        && cigna_bases_absolute(text))
    {
        l->elsewhere++;
    }
}


int
cigna_link_filter_begin(cigna_slice_t text)
{
    cigna_slice_t   mark;
    const uint8_t  *p, *end;

    mark = cigna_slice(CIGNA_JSON_MARK);

    if (text.len < mark.len && cigna_slice_starts(mark, text)) {
        return CIGNA_AGAIN;
    }

    if (cigna_slice_starts(text, mark)) {
        text = cigna_slice_skip(text, mark.len);
    }

    end = text.data + text.len;
    p = cigna_json_space(text.data, end);

    if (p < end && *p != '{') {
        return CIGNA_NONE;
    }

    if (p < end) {
        p = cigna_json_space(p + 1, end);
    }

    if (p == end) {
        return CIGNA_AGAIN;
    }

    return *p == '"' ? CIGNA_OK : CIGNA_NONE;
}


int
cigna_link_filter_end(cigna_link_filter_t *l, cigna_slice_t *piece)
{
    /* a number or a word that is the whole text ends with the text */

    if (l->state == cigna_link_filter_st_scalar && l->depth == 0) {
        l->state = cigna_link_filter_st_over;
    }

    if (l->state != cigna_link_filter_st_over) {
        cigna_link_filter_break(l);
    }

    return l->url.releasing ? cigna_link_keys_release(&l->url, piece)
                            : CIGNA_NONE;
}


/*
 * The text is not JSON, or is nested too deeply: all later bytes go out as they
 * came.  So do the kept bytes, unless they are known to be a link.
 */

static void
cigna_link_filter_break(cigna_link_filter_t *l)
{
    l->state = cigna_link_filter_st_broken;
    l->broken = 1;

    if (l->url.kept_len && !l->url.releasing) {
        cigna_link_keys_give_up(&l->url);
    }
}
