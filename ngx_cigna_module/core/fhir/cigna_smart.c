
/*
 * OAuth endpoints in what a FHIR server tells of itself.
 *
 *   smart-configuration    strings at the top, by their names
 *   CapabilityStatement    rest[].security.extension[], the one whose url is
 *                          CIGNA_SMART_OAUTH_URIS: valueUri of those in it, by
 *                          their urls "authorize", "token", ...
 *
 * The members of an extension come in any order, so that one is held back until
 * it has ended; so is a string, which thus stays as it is where it breaks.
 *
 *   pass --> hold --> release --> pass
 *
 * What is replaced stands in its place whatever it was; what is not there is
 * not added.  All else stays to the byte, and so do an extension or a string of
 * more than CIGNA_SMART_HELD_MAX bytes, and all behind what is no JSON.
 *
 * Invariants, checked by t/fuzz/fhir/fuzz_smart.c:
 *
 *   (1) the output depends on the bytes only, not on how they are cut;
 *   (2) it parses to what the input does, but for endpoints;
 *   (3) nothing is held back at the end.
 */


#include <string.h>

#include "json/cigna_json_scan.h"
#include "cigna_smart.h"


#define CIGNA_SMART_OAUTH_URIS                                                \
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


typedef struct {
    const char  *extension;
    const char  *name;
} cigna_smart_name_t;


static const cigna_smart_name_t  cigna_smart_names[] = {
    { "authorize", "authorization_endpoint" },
    { "token", "token_endpoint" },
    { "manage", "management_endpoint" },
    { "introspect", "introspection_endpoint" },
    { "revoke", "revocation_endpoint" },
    { "register", "registration_endpoint" },
    { NULL, NULL }
};


/* the way to an extension of rest[].security, and its first level */

typedef struct {
    const char  *key;                      /* NULL: in an array, or the top */
    uint8_t      opens;
} cigna_smart_level_t;


static const cigna_smart_level_t  cigna_smart_levels[] = {
    { NULL, '{' },
    { "rest", '[' },
    { NULL, '{' },
    { "security", '{' },
    { "extension", '[' },
    { NULL, '{' }
};

#define CIGNA_SMART_LEVELS                                                    \
    (sizeof(cigna_smart_levels) / sizeof(cigna_smart_levels[0]))


static int cigna_smart_step(cigna_smart_t *s, uint8_t c);
static void cigna_smart_hold(cigna_smart_t *s, uint8_t c,
    cigna_json_at_e event);
static int cigna_smart_begins(cigna_smart_t *s, cigna_json_at_e event);
static void cigna_smart_key(cigna_smart_t *s, uint8_t c,
    cigna_json_at_e event);
static void cigna_smart_level(cigna_smart_t *s, uint8_t c,
    cigna_json_at_e event);
static int cigna_smart_release(cigna_smart_t *s, cigna_slice_t *piece);
static int cigna_smart_find(const cigna_smart_t *s, cigna_slice_t *value,
    cigna_slice_t *url);
static int cigna_smart_extension(const cigna_smart_t *s,
    cigna_slice_t extension, cigna_slice_t *value, cigna_slice_t *url);
static int cigna_smart_string(cigna_slice_t object, const char *name,
    cigna_slice_t *value);
static cigna_slice_t cigna_smart_inner(cigna_slice_t value);
static int cigna_smart_endpoint(const cigna_smart_t *s, cigna_slice_t raw,
    cigna_slice_t *url);


void
cigna_smart_init(cigna_smart_t *s, cigna_public_metadata_e document,
    const cigna_public_endpoint_t *endpoints, unsigned n)
{
    s->endpoints = endpoints;
    s->n = n;
    s->document = document;
    s->replaced = 0;

    cigna_json_walk_init(&s->walk);

    s->matched = 0;
    s->mark = 0;
    s->in_key = 0;
    s->holding = 0;
    s->releasing = 0;
    s->as_it_came = 0;
    s->insert = cigna_slice_null;
    s->key_len = 0;
    s->held_len = 0;
    s->held_pos = 0;
}


int
cigna_smart_next(cigna_smart_t *s, cigna_slice_t *in, cigna_slice_t *piece)
{
    size_t          n;
    const uint8_t  *start;

    for ( ;; ) {

        if (s->releasing && cigna_smart_release(s, piece) == CIGNA_OK) {
            return CIGNA_OK;
        }

        n = 0;
        start = in->data;

        while (in->len) {

            if (cigna_smart_step(s, in->data[0])) {
                n++;
                *in = cigna_slice_skip(*in, 1);
                continue;
            }

            *in = cigna_slice_skip(*in, 1);

            if (n || s->releasing) {
                break;
            }

            start = in->data;
        }

        if (n) {
            *piece = cigna_slice_make(start, start + n);
            return CIGNA_OK;
        }

        if (!s->releasing) {
            return CIGNA_AGAIN;
        }
    }
}


/* 1: the byte passes; 0: it is held */

static int
cigna_smart_step(cigna_smart_t *s, uint8_t c)
{
    cigna_json_at_e       event;
    static const uint8_t  mark[] = CIGNA_JSON_MARK;

    if (s->mark < sizeof(mark) - 1) {

        if (c == mark[s->mark]) {
            s->mark++;
            return 1;
        }

        /* a part of one is no JSON */

        if (s->mark) {
            (void) cigna_json_walk(&s->walk, mark[0]);
        }

        s->mark = sizeof(mark) - 1;
    }

    event = cigna_json_walk(&s->walk, c);

    if (s->holding) {
        cigna_smart_hold(s, c, event);
        return 0;
    }

    cigna_smart_key(s, c, event);
    cigna_smart_level(s, c, event);

    if (!cigna_smart_begins(s, event)) {
        return 1;
    }

    s->holding = 1;
    s->held_len = 0;
    s->held_pos = 0;
    s->as_it_came = 0;
    s->held[s->held_len++] = c;

    return 0;
}


static void
cigna_smart_hold(cigna_smart_t *s, uint8_t c, cigna_json_at_e event)
{
    s->held[s->held_len++] = c;

    cigna_smart_level(s, c, event);

    if (s->document == cigna_public_metadata_configuration
        ? event == cigna_json_at_string_end
        : s->matched < CIGNA_SMART_LEVELS)
    {
        s->holding = 0;
        s->releasing = 1;

    } else if (event == cigna_json_at_broken
               || s->held_len == CIGNA_SMART_HELD_MAX)
    {
        s->holding = 0;
        s->releasing = 1;
        s->as_it_came = 1;
    }
}


static int
cigna_smart_begins(cigna_smart_t *s, cigna_json_at_e event)
{
    cigna_slice_t  url;

    if (s->document == cigna_public_metadata_configuration) {
        return event == cigna_json_at_string
               && s->matched == 1
               && s->walk.depth == 1
               && s->key_len <= sizeof(s->key)
               && cigna_smart_endpoint(s, cigna_slice_make(s->key,
                                                           s->key
                                                           + s->key_len),
                                       &url);
    }

    return event == cigna_json_at_open
           && s->matched == CIGNA_SMART_LEVELS
           && s->walk.depth == CIGNA_SMART_LEVELS;
}


static void
cigna_smart_key(cigna_smart_t *s, uint8_t c, cigna_json_at_e event)
{
    switch (event) {

    case cigna_json_at_key:
        s->in_key = 1;
        s->key_len = 0;
        return;

    case cigna_json_at_key_end:
        s->in_key = 0;
        return;

    default:
        break;
    }

    if (!s->in_key || s->key_len > sizeof(s->key)) {
        return;
    }

    if (s->key_len < sizeof(s->key)) {
        s->key[s->key_len] = c;
    }

    s->key_len++;
}


/* how far the way there has been gone */

static void
cigna_smart_level(cigna_smart_t *s, uint8_t c, cigna_json_at_e event)
{
    cigna_slice_t               key;
    const cigna_smart_level_t  *level;

    if (event == cigna_json_at_close && s->matched > s->walk.depth) {
        s->matched = s->walk.depth;
        return;
    }

    if (event != cigna_json_at_open || s->matched + 1 != s->walk.depth
        || s->matched == CIGNA_SMART_LEVELS)
    {
        return;
    }

    level = &cigna_smart_levels[s->matched];

    if (c != level->opens) {
        return;
    }

    key = cigna_slice_make(s->key, s->key + s->key_len);

    if (level->key
        && (s->key_len > sizeof(s->key)
            || !cigna_json_raw_means(key, cigna_slice_str(level->key))))
    {
        return;
    }

    s->matched++;
}


int
cigna_smart_end(cigna_smart_t *s, cigna_slice_t *piece)
{
    if (s->holding) {
        s->holding = 0;
        s->releasing = 1;
        s->as_it_came = 1;
    }

    return s->releasing ? cigna_smart_release(s, piece) : CIGNA_NONE;
}


/* the next piece of what was held; CIGNA_NONE: that was all */

static int
cigna_smart_release(cigna_smart_t *s, cigna_slice_t *piece)
{
    const uint8_t  *from;
    cigna_slice_t   value, url;

    *piece = s->insert;
    s->insert = cigna_slice_null;

    if (piece->len) {
        return CIGNA_OK;
    }

    from = s->held + s->held_pos;

    if (s->held_pos == s->held_len) {
        s->releasing = 0;
        s->held_len = 0;
        s->held_pos = 0;
        return CIGNA_NONE;
    }

    if (s->as_it_came || !cigna_smart_find(s, &value, &url)) {
        s->held_pos = s->held_len;
        *piece = cigna_slice_make(from, s->held + s->held_len);
        return CIGNA_OK;
    }

    /* up to the quote, the other one is next */

    s->insert = url;
    s->held_pos = value.data + value.len - 1 - s->held;
    s->replaced++;

    *piece = cigna_slice_make(from, value.data + 1);

    return CIGNA_OK;
}


/* the next string to be replaced in what is held */

static int
cigna_smart_find(const cigna_smart_t *s, cigna_slice_t *value,
    cigna_slice_t *url)
{
    cigna_slice_t  all, uri, list, extension;

    all = cigna_slice_make(s->held, s->held + s->held_len);

    if (s->document == cigna_public_metadata_configuration) {
        *value = all;
        return s->held_pos == 0
               && cigna_smart_endpoint(s, cigna_slice_make(s->key,
                                                           s->key
                                                           + s->key_len),
                                       url);
    }

    if (!cigna_smart_string(all, "url", &uri)
        || !cigna_json_raw_means(cigna_smart_inner(uri),
                                 cigna_slice(CIGNA_SMART_OAUTH_URIS))
        || cigna_json_raw_member(all, cigna_slice("extension"), &list)
           != CIGNA_OK
        || list.data[0] != '[')
    {
        return 0;
    }

    list = cigna_smart_inner(list);

    while (cigna_json_raw_cut(&list, &extension) == CIGNA_OK) {
        if (cigna_smart_extension(s, extension, value, url)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_smart_extension(const cigna_smart_t *s, cigna_slice_t extension,
    cigna_slice_t *value, cigna_slice_t *url)
{
    cigna_slice_t              name;
    const cigna_smart_name_t  *n;

    if (!cigna_smart_string(extension, "url", &name)
        || !cigna_smart_string(extension, "valueUri", value)
        || value->data < s->held + s->held_pos)
    {
        return 0;
    }

    name = cigna_smart_inner(name);

    for (n = cigna_smart_names; n->extension; n++) {

        if (cigna_json_raw_means(name, cigna_slice_str(n->extension))) {
            return cigna_smart_endpoint(s, cigna_slice_str(n->name), url);
        }
    }

    return 0;
}


static int
cigna_smart_string(cigna_slice_t object, const char *name,
    cigna_slice_t *value)
{
    return cigna_json_raw_member(object, cigna_slice_str(name), value)
           == CIGNA_OK
           && value->data[0] == '"';
}


/* without quotes or brackets */

static cigna_slice_t
cigna_smart_inner(cigna_slice_t value)
{
    return cigna_slice_make(value.data + 1, value.data + value.len - 1);
}


static int
cigna_smart_endpoint(const cigna_smart_t *s, cigna_slice_t raw,
    cigna_slice_t *url)
{
    unsigned  i;

    for (i = 0; i < s->n; i++) {

        if (cigna_json_raw_means(raw, s->endpoints[i].name)) {
            *url = s->endpoints[i].url;
            return 1;
        }
    }

    return 0;
}
