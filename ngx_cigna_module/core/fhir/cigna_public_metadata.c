
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

/*
 * for cigna_public_metadata_room(): most bytes around an added endpoint, and
 * most places where endpoints are added
 */

#define CIGNA_PUBLIC_METADATA_AROUND  64
#define CIGNA_PUBLIC_METADATA_PLACES  16


/*
 * One step of the way from an object to the endpoints in it.  A step of type
 * '{' goes from an object to the member "name".  A step of type '[' goes from
 * an array to the elements whose "url" is "name".  In the last step, name is
 * NULL: the endpoints are all members of the object, or all elements of the
 * array.  If a step finds nothing, the value that it looked for is added.
 */

typedef struct {
    char         type;                     /* '{': an object, '[': an array */
    const char  *name;
    const char  *open;                     /* text before an added value */
    const char  *close;                    /* text after an added value */
} cigna_public_metadata_step_t;


static const cigna_public_metadata_step_t  cigna_public_metadata_members[] = {
    { '{', NULL, "", "" }
};

static const cigna_public_metadata_step_t  cigna_public_metadata_uris[] = {
    { '{', "security", "\"security\":{", "}" },
    { '{', "extension", "\"extension\":[", "]" },
    { '[', CIGNA_PUBLIC_METADATA_OAUTH,
      "{\"url\":\"" CIGNA_PUBLIC_METADATA_OAUTH "\",", "}" },
    { '{', "extension", "\"extension\":[", "]" },
    { '[', NULL, "{\"url\":", "}" }
};


/* names of endpoints in "oauth-uris" and in a smart-configuration */

#define CIGNA_PUBLIC_METADATA_NAMES  6

static const char *const
    cigna_public_metadata_names[CIGNA_PUBLIC_METADATA_NAMES][2] =
{
    { "authorize", "authorization_endpoint" },
    { "token", "token_endpoint" },
    { "manage", "management_endpoint" },
    { "introspect", "introspection_endpoint" },
    { "revoke", "revocation_endpoint" },
    { "register", "registration_endpoint" }
};


static const char *const  cigna_public_metadata_paths[] = {
    [cigna_public_metadata_none] = "",
    [cigna_public_metadata_capabilities] = "/metadata",
    [cigna_public_metadata_configuration] = "/.well-known/smart-configuration"
};


/* an edit of a text; all bytes before "from" have been copied or replaced */

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
static void cigna_public_metadata_rest(cigna_public_metadata_edit_t *e,
    cigna_slice_t object);
static unsigned cigna_public_metadata_rename(
    const cigna_public_endpoint_t *endpoints, unsigned n,
    cigna_public_endpoint_t *uris);
static void cigna_public_metadata_walk(cigna_public_metadata_edit_t *e,
    cigna_slice_t value, const cigna_public_metadata_step_t *step);
static void cigna_public_metadata_set(cigna_public_metadata_edit_t *e,
    cigna_slice_t container, const cigna_public_metadata_step_t *step);
static void cigna_public_metadata_replace(cigna_public_metadata_edit_t *e,
    cigna_slice_t value, char type, cigna_slice_t url);
static void cigna_public_metadata_add(cigna_public_metadata_edit_t *e,
    cigna_slice_t container);
static void cigna_public_metadata_append(cigna_public_metadata_edit_t *e,
    const cigna_public_metadata_step_t *step);
static void cigna_public_metadata_append_one(cigna_public_metadata_edit_t *e,
    const cigna_public_metadata_step_t *step,
    const cigna_public_endpoint_t *endpoint);
static int cigna_public_metadata_next(cigna_slice_t *in, char type,
    cigna_slice_t *name, cigna_slice_t *value);
static cigna_slice_t cigna_public_metadata_text(cigna_slice_t object,
    const char *member);
static void cigna_public_metadata_until(cigna_public_metadata_edit_t *e,
    const uint8_t *p);


cigna_public_metadata_e
cigna_public_metadata_document(cigna_slice_t path)
{
    cigna_public_metadata_e  document;

    for (document = cigna_public_metadata_configuration;
         document != cigna_public_metadata_none;
         document--)
    {
        if (cigna_slice_eq(path, cigna_public_metadata_path(document))) {
            break;
        }
    }

    return document;
}


cigna_slice_t
cigna_public_metadata_path(cigna_public_metadata_e document)
{
    return cigna_slice_str(cigna_public_metadata_paths[document]);
}


int
cigna_public_metadata_asked(cigna_slice_t request, cigna_slice_t query,
    const cigna_slice_t ids[2], cigna_buf_t *lines)
{
    cigna_slice_t  line, name, value;

    if (query.len && !cigna_public_metadata_format(query)) {
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
    cigna_public_endpoint_t       uris[CIGNA_PUBLIC_METADATA_NAMES];
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
        cigna_public_metadata_walk(&e, object, cigna_public_metadata_members);

    } else {
        e.endpoints = uris;
        e.n = cigna_public_metadata_rename(endpoints, n, uris);
        cigna_public_metadata_rest(&e, object);
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


/* an element of "rest" whose "mode" is "client" stays: it describes a client */

static void
cigna_public_metadata_rest(cigna_public_metadata_edit_t *e,
    cigna_slice_t object)
{
    cigna_slice_t  list, rest;

    if (e->n == 0
        || cigna_json_raw_member(object, cigna_slice("rest"), &list)
           != CIGNA_OK
        || list.data[0] != '[')
    {
        return;
    }

    list = cigna_json_raw_inner(list);

    while (cigna_json_raw_cut(&list, &rest) == CIGNA_OK) {

        if (!cigna_json_raw_means(cigna_public_metadata_text(rest, "mode"),
                                  cigna_slice("client")))
        {
            cigna_public_metadata_walk(e, rest, cigna_public_metadata_uris);
        }
    }
}


/*
 * Writes the endpoints that have a name in "oauth-uris" to uris[], with that
 * name.  Returns their number.
 */

static unsigned
cigna_public_metadata_rename(const cigna_public_endpoint_t *endpoints,
    unsigned n, cigna_public_endpoint_t *uris)
{
    unsigned           i, k, found;
    const char *const  *name;

    found = 0;

    for (k = 0; k < CIGNA_PUBLIC_METADATA_NAMES; k++) {
        name = cigna_public_metadata_names[k];

        for (i = 0; i < n; i++) {

            if (cigna_slice_eq(endpoints[i].name, cigna_slice_str(name[1]))) {
                uris[found].name = cigna_slice_str(name[0]);
                uris[found++].url = endpoints[i].url;
                break;
            }
        }
    }

    return found;
}


/*
 * Goes from this value along "step" and the steps after it to the endpoints,
 * and sets them.  Steps that the value lacks are added, together with the
 * endpoints.  If the value does not have the step's type, it stays.
 */

static void
cigna_public_metadata_walk(cigna_public_metadata_edit_t *e,
    cigna_slice_t value, const cigna_public_metadata_step_t *step)
{
    int            found;
    cigna_slice_t  in, name, child;

    if (value.data[0] != step->type) {
        return;
    }

    if (step->name == NULL) {
        cigna_public_metadata_set(e, value, step);
        return;
    }

    found = 0;
    in = cigna_json_raw_inner(value);

    while (cigna_public_metadata_next(&in, step->type, &name, &child)) {

        if (cigna_json_raw_means(name, cigna_slice_str(step->name))) {
            found = 1;
            cigna_public_metadata_walk(e, child, step + 1);
        }
    }

    if (!found) {
        cigna_public_metadata_add(e, value);
        cigna_public_metadata_append(e, step);
    }
}


/* replaces the endpoints that the object or array has, and adds the others */

static void
cigna_public_metadata_set(cigna_public_metadata_edit_t *e,
    cigna_slice_t container, const cigna_public_metadata_step_t *step)
{
    unsigned       i;
    cigna_slice_t  in, name, value;

    in = cigna_json_raw_inner(container);

    while (cigna_public_metadata_next(&in, step->type, &name, &value)) {

        for (i = 0; i < e->n; i++) {

            if (cigna_json_raw_means(name, e->endpoints[i].name)) {
                cigna_public_metadata_replace(e, value, step->type,
                                              e->endpoints[i].url);
                break;
            }
        }
    }

    for (i = 0; i < e->n; i++) {
        in = cigna_json_raw_inner(container);

        do {
            if (!cigna_public_metadata_next(&in, step->type, &name, &value)) {
                cigna_public_metadata_add(e, container);
                cigna_public_metadata_append_one(e, step, &e->endpoints[i]);
                break;
            }
        } while (!cigna_json_raw_means(name, e->endpoints[i].name));
    }
}


/* replaces the URL of an endpoint: the value itself, or its "valueUri" */

static void
cigna_public_metadata_replace(cigna_public_metadata_edit_t *e,
    cigna_slice_t value, char type, cigna_slice_t url)
{
    if (type == '['
        && cigna_json_raw_member(value, cigna_slice("valueUri"), &value)
           != CIGNA_OK)
    {
        cigna_public_metadata_add(e, value);
        cigna_buf_append_str(e->to, "\"valueUri\":");

    } else {
        cigna_public_metadata_until(e, value.data);
        e->from = value.data + value.len;
    }

    cigna_json_append_string(e->to, url);
}


/*
 * Copies the text up to the end of the last value in an object or array.  Adds
 * a comma unless the object or array is empty.  The caller then writes the new
 * value.
 */

static void
cigna_public_metadata_add(cigna_public_metadata_edit_t *e,
    cigna_slice_t container)
{
    const uint8_t  *last;

    last = container.data + container.len - 1;

    while (cigna_json_is_space(last[-1])) {
        last--;
    }

    cigna_public_metadata_until(e, last);

    if (last != container.data + 1 || e->added == last) {
        cigna_buf_append_char(e->to, ',');
    }

    e->added = last;
}


/*
 * Writes the value that "step" looked for and did not find in the document: the
 * field "open" of this step and of all later steps, the endpoints, and the
 * fields "close".
 */

static void
cigna_public_metadata_append(cigna_public_metadata_edit_t *e,
    const cigna_public_metadata_step_t *step)
{
    unsigned                             i;
    const cigna_public_metadata_step_t  *last;

    for (last = step; last->name; last++) {
        cigna_buf_append_str(e->to, last->open);
    }

    for (i = 0; i < e->n; i++) {
        cigna_buf_append_str(e->to, i ? "," : "");
        cigna_public_metadata_append_one(e, last, &e->endpoints[i]);
    }

    while (last-- != step) {
        cigna_buf_append_str(e->to, last->close);
    }
}


static void
cigna_public_metadata_append_one(cigna_public_metadata_edit_t *e,
    const cigna_public_metadata_step_t *step,
    const cigna_public_endpoint_t *endpoint)
{
    cigna_buf_append_str(e->to, step->open);
    cigna_json_append_string(e->to, endpoint->name);
    cigna_buf_append_str(e->to, step->type == '{' ? ":" : ",\"valueUri\":");
    cigna_json_append_string(e->to, endpoint->url);
    cigna_buf_append_str(e->to, step->close);
}


/*
 * Cuts the next member off an object, or the next element off an array.  The
 * name of an element is the value of its member "url".  *name is not decoded;
 * it is empty if there is no name.
 */

static int
cigna_public_metadata_next(cigna_slice_t *in, char type, cigna_slice_t *name,
    cigna_slice_t *value)
{
    if (type == '{') {
        return cigna_json_raw_pair(in, name, value) == CIGNA_OK;
    }

    if (cigna_json_raw_cut(in, value) != CIGNA_OK) {
        return 0;
    }

    *name = cigna_public_metadata_text(*value, "url");

    return 1;
}


/* a member that is a string, not decoded; otherwise an empty slice */

static cigna_slice_t
cigna_public_metadata_text(cigna_slice_t object, const char *member)
{
    cigna_slice_t  value;

    if (cigna_json_raw_member(object, cigna_slice_str(member), &value)
        != CIGNA_OK || value.data[0] != '"')
    {
        return cigna_slice_null;
    }

    return cigna_json_raw_inner(value);
}


static void
cigna_public_metadata_until(cigna_public_metadata_edit_t *e, const uint8_t *p)
{
    cigna_buf_append(e->to, cigna_slice_make(e->from, p));
    e->from = p;
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
