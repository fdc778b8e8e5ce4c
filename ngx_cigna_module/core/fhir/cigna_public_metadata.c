
/*
 * The documents are edited as text.  jansson only checks that a text is JSON.
 * Then values are replaced in the text, or added to it.  So the order of
 * members, long numbers, and the escapes in strings stay as they are.
 */


#include "cigna_public_metadata.h"
#include "cigna_gate_out.h"
#include "json/cigna_json.h"
#include "json/cigna_json_raw.h"
#include "json/cigna_json_scan.h"


#define CIGNA_PUBLIC_METADATA_OAUTH                                           \
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

/* most values in a text: jansson needs up to 300 bytes for each */

#define CIGNA_PUBLIC_METADATA_VALUES  (256 * 1024)

/* bytes around an added endpoint, and places where endpoints may be added */

#define CIGNA_PUBLIC_METADATA_AROUND  64
#define CIGNA_PUBLIC_METADATA_PLACES  16


typedef struct {
    const char  *extension;
    const char  *name;
} cigna_public_metadata_name_t;


static const cigna_public_metadata_name_t  cigna_public_metadata_names[] = {
    { "authorize", "authorization_endpoint" },
    { "token", "token_endpoint" },
    { "manage", "management_endpoint" },
    { "introspect", "introspection_endpoint" },
    { "revoke", "revocation_endpoint" },
    { "register", "registration_endpoint" },
    { NULL, NULL }
};


/* an edit: bytes of the text before "from" are copied or replaced */

typedef struct {
    const cigna_public_endpoint_t  *endpoints;
    unsigned                        n;
    cigna_buf_t                    *to;
    const uint8_t                  *from;  /* the first byte not copied yet */
    const uint8_t                  *added; /* place of the last addition */
} cigna_public_metadata_edit_t;


static int cigna_public_metadata_format(cigna_slice_t query);
static int cigna_public_metadata_accepts(cigna_slice_t accept);
static int cigna_public_metadata_one_of(cigna_slice_t s,
    const char *const *names);
static int cigna_public_metadata_check(cigna_slice_t text,
    const char **error);
static void cigna_public_metadata_configure(cigna_public_metadata_edit_t *e,
    cigna_slice_t object);
static void cigna_public_metadata_state(cigna_public_metadata_edit_t *e,
    cigna_slice_t object);
static void cigna_public_metadata_rest(cigna_public_metadata_edit_t *e,
    cigna_slice_t rest);
static void cigna_public_metadata_security(cigna_public_metadata_edit_t *e,
    cigna_slice_t security);
static void cigna_public_metadata_oauth(cigna_public_metadata_edit_t *e,
    cigna_slice_t extension);
static void cigna_public_metadata_uri(cigna_public_metadata_edit_t *e,
    cigna_slice_t extension);
static int cigna_public_metadata_has(cigna_slice_t list, const char *url);
static void cigna_public_metadata_new(cigna_public_metadata_edit_t *e);
static void cigna_public_metadata_new_uris(cigna_public_metadata_edit_t *e);
static void cigna_public_metadata_new_uri(cigna_public_metadata_edit_t *e,
    const char *name, cigna_slice_t url);
static int cigna_public_metadata_named(const cigna_public_metadata_edit_t *e);
static int cigna_public_metadata_find(const cigna_public_metadata_edit_t *e,
    cigna_slice_t raw, cigna_slice_t *url);
static int cigna_public_metadata_is(cigna_slice_t object, const char *member,
    const char *text);
static void cigna_public_metadata_until(cigna_public_metadata_edit_t *e,
    const uint8_t *p);
static void cigna_public_metadata_replace(cigna_public_metadata_edit_t *e,
    cigna_slice_t value, cigna_slice_t url);
static void cigna_public_metadata_add(cigna_public_metadata_edit_t *e,
    cigna_slice_t container);


cigna_public_metadata_e
cigna_public_metadata_document(cigna_slice_t path)
{
    cigna_public_metadata_e  document;

    for (document = cigna_public_metadata_capabilities;
         document <= cigna_public_metadata_configuration;
         document++)
    {
        if (cigna_slice_eq(path, cigna_public_metadata_path(document))) {
            return document;
        }
    }

    return cigna_public_metadata_none;
}


cigna_slice_t
cigna_public_metadata_path(cigna_public_metadata_e document)
{
    switch (document) {

    case cigna_public_metadata_capabilities:
        return cigna_slice("/metadata");

    case cigna_public_metadata_configuration:
        return cigna_slice("/.well-known/smart-configuration");

    default:
        return cigna_slice_null;
    }
}


int
cigna_public_metadata_asked(cigna_slice_t request, cigna_slice_t query,
    const cigna_slice_t ids[2], cigna_buf_t *lines)
{
    int            json;
    cigna_slice_t  line, name, value;

    json = query.len ? cigna_public_metadata_format(query) : 1;

    if (!json) {
        return CIGNA_NONE;
    }

    cigna_buf_append_str(lines, "Accept-Encoding: identity\r\n");
    (void) cigna_slice_cut(&request, '\n');

    while (request.len) {

        line = cigna_slice_cut(&request, '\n');
        value = line;
        name = cigna_slice_cut(&value, ':');
        value = cigna_slice_trim(cigna_slice_cut(&value, '\r'));

        /* FHIR R4, http.html: "_format" overrides "Accept" */

        if (query.len == 0
            && cigna_slice_eq_case(name, cigna_slice("Accept"))
            && !cigna_public_metadata_accepts(value))
        {
            return CIGNA_NONE;
        }

        if (value.len && cigna_gate_out_operators(name)
            && !cigna_slice_eq(value, ids[0])
            && !cigna_slice_eq(value, ids[1]))
        {
            cigna_buf_append(lines, line);
            cigna_buf_append_char(lines, '\n');
        }
    }

    return lines->overflow ? CIGNA_ERROR : CIGNA_OK;
}


/* returns 1 if the query is only a "_format" parameter that asks for JSON */

static int
cigna_public_metadata_format(cigna_slice_t query)
{
    cigna_slice_t             name;
    static const char *const  formats[] = {
        "json", "text/json", "application/json", "application%2fjson",
        "application/fhir+json", "application/fhir%2bjson",
        "application%2ffhir%2bjson", NULL
    };

    name = cigna_slice_cut(&query, '=');

    return cigna_slice_eq(name, cigna_slice("_format"))
           && cigna_public_metadata_one_of(query, formats);
}


/* returns 1 if the list has only types of JSON, and wildcards */

static int
cigna_public_metadata_accepts(cigna_slice_t accept)
{
    cigna_slice_t             one;
    static const char *const  types[] = {
        "", "*/*", "application/*", "text/json", "application/json",
        "application/fhir+json", "application/json+fhir", NULL
    };

    while (accept.len) {

        one = cigna_slice_cut(&accept, ',');
        one = cigna_slice_cut(&one, ';');

        if (!cigna_public_metadata_one_of(cigna_slice_trim(one), types)) {
            return 0;
        }
    }

    return 1;
}


static int
cigna_public_metadata_one_of(cigna_slice_t s, const char *const *names)
{
    for ( /* void */ ; *names; names++) {
        if (cigna_slice_eq_case(s, cigna_slice_str(*names))) {
            return 1;
        }
    }

    return 0;
}


int
cigna_public_metadata_write(cigna_public_metadata_e document,
    cigna_slice_t text, const cigna_public_endpoint_t *endpoints, unsigned n,
    cigna_buf_t *b, const char **error)
{
    cigna_slice_t                 in, object;
    cigna_public_metadata_edit_t  e;

    if (cigna_slice_starts(text, cigna_slice(CIGNA_JSON_MARK))) {
        text = cigna_slice_skip(text, sizeof(CIGNA_JSON_MARK) - 1);
    }

    if (cigna_public_metadata_check(text, error) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    e = (cigna_public_metadata_edit_t) {
        .endpoints = endpoints, .n = n, .to = b, .from = text.data
    };

    in = text;
    (void) cigna_json_raw_cut(&in, &object);

    if (document == cigna_public_metadata_configuration) {
        cigna_public_metadata_configure(&e, object);

    } else {
        cigna_public_metadata_state(&e, object);
    }

    cigna_public_metadata_until(&e, text.data + text.len);

    if (b->overflow) {
        *error = "wants endpoints in too many places";
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static int
cigna_public_metadata_check(cigna_slice_t text, const char **error)
{
    size_t  i, values;

    values = 0;

    for (i = 0; i < text.len; i++) {
        values += (text.data[i] == ',' || text.data[i] == '['
                   || text.data[i] == '{');
    }

    if (values > CIGNA_PUBLIC_METADATA_VALUES) {
        *error = "has too many values";
        return CIGNA_ERROR;
    }

    if (!cigna_json_is_object(text, CIGNA_PUBLIC_METADATA_MAX)) {
        *error = "is not an object of valid JSON";
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static void
cigna_public_metadata_configure(cigna_public_metadata_edit_t *e,
    cigna_slice_t object)
{
    unsigned       i;
    cigna_slice_t  in, key, value, url;

    in = cigna_json_raw_inner(object);

    while (cigna_json_raw_cut(&in, &key) == CIGNA_OK
           && cigna_json_raw_cut(&in, &value) == CIGNA_OK)
    {
        if (cigna_public_metadata_find(e, cigna_json_raw_inner(key),
                                       &url))
        {
            cigna_public_metadata_replace(e, value, url);
        }
    }

    for (i = 0; i < e->n; i++) {

        if (cigna_json_raw_member(object, e->endpoints[i].name, &value)
            == CIGNA_OK)
        {
            continue;
        }

        cigna_public_metadata_add(e, object);
        cigna_json_append_string(e->to, e->endpoints[i].name);
        cigna_buf_append_char(e->to, ':');
        cigna_json_append_string(e->to, e->endpoints[i].url);
    }
}


static void
cigna_public_metadata_state(cigna_public_metadata_edit_t *e,
    cigna_slice_t object)
{
    cigna_slice_t  list, rest;

    if (!cigna_public_metadata_named(e)
        || cigna_json_raw_member(object, cigna_slice("rest"), &list)
           != CIGNA_OK
        || list.data[0] != '[')
    {
        return;
    }

    list = cigna_json_raw_inner(list);

    while (cigna_json_raw_cut(&list, &rest) == CIGNA_OK) {
        cigna_public_metadata_rest(e, rest);
    }
}


/* an element of "rest" with mode "client" describes a client: it stays */

static void
cigna_public_metadata_rest(cigna_public_metadata_edit_t *e, cigna_slice_t rest)
{
    cigna_slice_t  security;

    if (rest.data[0] != '{'
        || cigna_public_metadata_is(rest, "mode", "client"))
    {
        return;
    }

    if (cigna_json_raw_member(rest, cigna_slice("security"), &security)
        == CIGNA_OK)
    {
        cigna_public_metadata_security(e, security);
        return;
    }

    cigna_public_metadata_add(e, rest);
    cigna_buf_append_str(e->to, "\"security\":{\"extension\":[");
    cigna_public_metadata_new(e);
    cigna_buf_append_str(e->to, "]}");
}


static void
cigna_public_metadata_security(cigna_public_metadata_edit_t *e,
    cigna_slice_t security)
{
    int            found;
    cigna_slice_t  list, in, one;

    if (security.data[0] != '{') {
        return;
    }

    if (cigna_json_raw_member(security, cigna_slice("extension"), &list)
        != CIGNA_OK)
    {
        cigna_public_metadata_add(e, security);
        cigna_buf_append_str(e->to, "\"extension\":[");
        cigna_public_metadata_new(e);
        cigna_buf_append_char(e->to, ']');
        return;
    }

    if (list.data[0] != '[') {
        return;
    }

    found = 0;
    in = cigna_json_raw_inner(list);

    while (cigna_json_raw_cut(&in, &one) == CIGNA_OK) {
        if (cigna_public_metadata_is(one, "url", CIGNA_PUBLIC_METADATA_OAUTH))
        {
            found = 1;
            cigna_public_metadata_oauth(e, one);
        }
    }

    if (!found) {
        cigna_public_metadata_add(e, list);
        cigna_public_metadata_new(e);
    }
}


/* replaces and adds endpoints in an "oauth-uris" that the document has */

static void
cigna_public_metadata_oauth(cigna_public_metadata_edit_t *e,
    cigna_slice_t extension)
{
    cigna_slice_t                        list, in, one, url;
    const cigna_public_metadata_name_t  *name;

    if (cigna_json_raw_member(extension, cigna_slice("extension"), &list)
        != CIGNA_OK)
    {
        cigna_public_metadata_add(e, extension);
        cigna_public_metadata_new_uris(e);
        return;
    }

    if (list.data[0] != '[') {
        return;
    }

    in = cigna_json_raw_inner(list);

    while (cigna_json_raw_cut(&in, &one) == CIGNA_OK) {
        cigna_public_metadata_uri(e, one);
    }

    for (name = cigna_public_metadata_names; name->name; name++) {

        if (cigna_public_metadata_find(e, cigna_slice_str(name->name), &url)
            && !cigna_public_metadata_has(list, name->extension))
        {
            cigna_public_metadata_add(e, list);
            cigna_public_metadata_new_uri(e, name->extension, url);
        }
    }
}


static void
cigna_public_metadata_uri(cigna_public_metadata_edit_t *e,
    cigna_slice_t extension)
{
    cigna_slice_t                        value, url;
    const cigna_public_metadata_name_t  *name;

    for (name = cigna_public_metadata_names; name->name; name++) {
        if (cigna_public_metadata_is(extension, "url", name->extension)) {
            break;
        }
    }

    if (name->name == NULL
        || !cigna_public_metadata_find(e, cigna_slice_str(name->name), &url))
    {
        return;
    }

    if (cigna_json_raw_member(extension, cigna_slice("valueUri"), &value)
        == CIGNA_OK)
    {
        cigna_public_metadata_replace(e, value, url);
        return;
    }

    cigna_public_metadata_add(e, extension);
    cigna_buf_append_str(e->to, "\"valueUri\":");
    cigna_json_append_string(e->to, url);
}


/* returns 1 if one of the extensions in the list has this url */

static int
cigna_public_metadata_has(cigna_slice_t list, const char *url)
{
    cigna_slice_t  one;

    list = cigna_json_raw_inner(list);

    while (cigna_json_raw_cut(&list, &one) == CIGNA_OK) {
        if (cigna_public_metadata_is(one, "url", url)) {
            return 1;
        }
    }

    return 0;
}


static void
cigna_public_metadata_new(cigna_public_metadata_edit_t *e)
{
    cigna_buf_append_str(e->to, "{\"url\":\"" CIGNA_PUBLIC_METADATA_OAUTH
                                "\",");
    cigna_public_metadata_new_uris(e);
    cigna_buf_append_char(e->to, '}');
}


static void
cigna_public_metadata_new_uris(cigna_public_metadata_edit_t *e)
{
    int                                  more;
    cigna_slice_t                        url;
    const cigna_public_metadata_name_t  *name;

    cigna_buf_append_str(e->to, "\"extension\":[");
    more = 0;

    for (name = cigna_public_metadata_names; name->name; name++) {

        if (!cigna_public_metadata_find(e, cigna_slice_str(name->name), &url))
        {
            continue;
        }

        if (more) {
            cigna_buf_append_char(e->to, ',');
        }

        more = 1;
        cigna_public_metadata_new_uri(e, name->extension, url);
    }

    cigna_buf_append_char(e->to, ']');
}


static void
cigna_public_metadata_new_uri(cigna_public_metadata_edit_t *e,
    const char *name, cigna_slice_t url)
{
    cigna_buf_append_str(e->to, "{\"url\":\"");
    cigna_buf_append_str(e->to, name);
    cigna_buf_append_str(e->to, "\",\"valueUri\":");
    cigna_json_append_string(e->to, url);
    cigna_buf_append_char(e->to, '}');
}


/* returns 1 if any of the endpoints has a name in "oauth-uris" */

static int
cigna_public_metadata_named(const cigna_public_metadata_edit_t *e)
{
    cigna_slice_t                        url;
    const cigna_public_metadata_name_t  *name;

    for (name = cigna_public_metadata_names; name->name; name++) {
        if (cigna_public_metadata_find(e, cigna_slice_str(name->name), &url)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_public_metadata_find(const cigna_public_metadata_edit_t *e,
    cigna_slice_t raw, cigna_slice_t *url)
{
    unsigned  i;

    for (i = 0; i < e->n; i++) {

        if (cigna_json_raw_means(raw, e->endpoints[i].name)) {
            *url = e->endpoints[i].url;
            return 1;
        }
    }

    return 0;
}


static int
cigna_public_metadata_is(cigna_slice_t object, const char *member,
    const char *text)
{
    cigna_slice_t  value;

    return cigna_json_raw_member(object, cigna_slice_str(member), &value)
           == CIGNA_OK
           && value.data[0] == '"'
           && cigna_json_raw_means(cigna_json_raw_inner(value),
                                   cigna_slice_str(text));
}


static void
cigna_public_metadata_until(cigna_public_metadata_edit_t *e, const uint8_t *p)
{
    cigna_buf_append(e->to, cigna_slice_make(e->from, p));
    e->from = p;
}


static void
cigna_public_metadata_replace(cigna_public_metadata_edit_t *e,
    cigna_slice_t value, cigna_slice_t url)
{
    cigna_public_metadata_until(e, value.data);
    cigna_json_append_string(e->to, url);
    e->from = value.data + value.len;
}


/*
 * Copies the text up to the end of the last value in an object or array, with a
 * comma if it needs one.  The caller writes the value to add.
 */

static void
cigna_public_metadata_add(cigna_public_metadata_edit_t *e,
    cigna_slice_t container)
{
    cigna_slice_t   in, value;
    const uint8_t  *last;

    last = container.data + 1;
    in = cigna_json_raw_inner(container);

    while (cigna_json_raw_cut(&in, &value) == CIGNA_OK) {
        last = value.data + value.len;
    }

    cigna_public_metadata_until(e, last);

    if (last != container.data + 1 || e->added == last) {
        cigna_buf_append_char(e->to, ',');
    }

    e->added = last;
}


size_t
cigna_public_metadata_room(size_t len,
    const cigna_public_endpoint_t *endpoints, unsigned n)
{
    size_t    each;
    unsigned  i;

    each = 2 * CIGNA_PUBLIC_METADATA_AROUND
           + sizeof(CIGNA_PUBLIC_METADATA_OAUTH);

    for (i = 0; i < n; i++) {
        each += endpoints[i].name.len + endpoints[i].url.len
                + CIGNA_PUBLIC_METADATA_AROUND;
    }

    return len + CIGNA_PUBLIC_METADATA_PLACES * each
           + 2 * CIGNA_PUBLIC_METADATA_LINKS_MAX;
}


int
cigna_public_metadata_links(cigna_slice_t text, const cigna_bases_t *bases,
    cigna_buf_t *b, const char **error)
{
    cigna_slice_t        piece;
    cigna_link_filter_t  links;
    static const char    own[] = { CIGNA_PUBLIC_METADATA_BASE, '/' };

    cigna_link_filter_init(&links, bases,
                           cigna_slice_make(own, own + sizeof(own)));

    while (cigna_link_filter_next(&links, &text, &piece) == CIGNA_OK) {
        cigna_buf_append(b, piece);
    }

    while (cigna_link_filter_end(&links, &piece) == CIGNA_OK) {
        cigna_buf_append(b, piece);
    }

    if (b->overflow || links.rewritten > CIGNA_PUBLIC_METADATA_LINKS_MAX) {
        *error = "has too many links";
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}
