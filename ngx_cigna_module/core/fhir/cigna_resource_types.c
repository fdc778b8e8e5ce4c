
#include <string.h>

#include "cigna_resource_types.h"


#define CIGNA_RESOURCE_TYPES_SEGMENTS  5


/* a decoded segment of the path, or a decoded name or value of the query */

typedef struct {
    uint8_t        bytes[CIGNA_TYPE_LEN_MAX];
    cigna_slice_t  text;
    unsigned       cut:1;                  /* the text was longer than
                                              "bytes" */
} cigna_resource_types_word_t;


typedef struct {
    const cigna_resource_types_t  *types;
    cigna_slice_t                  query;
    cigna_buf_t                   *what;

    cigna_resource_types_word_t    words[CIGNA_RESOURCE_TYPES_SEGMENTS];
    size_t                         count;
    unsigned                       operation:1;
} cigna_resource_types_ask_t;


static int cigna_resource_types_split(cigna_resource_types_ask_t *ask,
    cigna_slice_t path);
static int cigna_resource_types_segment(cigna_slice_t text);
static int cigna_resource_types_decode(cigna_slice_t s, int plus,
    cigna_resource_types_word_t *word);
static int cigna_resource_types_byte(cigna_slice_t *s, int plus);
static int cigna_resource_types_path(cigna_resource_types_ask_t *ask);
static int cigna_resource_types_typed(cigna_resource_types_ask_t *ask);
static int cigna_resource_types_instance(cigna_resource_types_ask_t *ask,
    cigna_slice_t third);
static int cigna_resource_types_operation(cigna_resource_types_ask_t *ask,
    cigna_slice_t name);
static int cigna_resource_types_system(cigna_resource_types_ask_t *ask);
static int cigna_resource_types_paged(const cigna_resource_types_ask_t *ask);
static int cigna_resource_types_told(cigna_resource_types_ask_t *ask,
    cigna_slice_t otherwise);
static int cigna_resource_types_list(cigna_resource_types_ask_t *ask,
    cigna_slice_t list);
static int cigna_resource_types_item(cigna_slice_t *list,
    cigna_resource_types_word_t *item);
static int cigna_resource_types_query(cigna_resource_types_ask_t *ask);
static int cigna_resource_types_plain(cigna_resource_types_ask_t *ask,
    cigna_slice_t name, cigna_slice_t value);
static int cigna_resource_types_parameter(cigna_resource_types_ask_t *ask,
    cigna_slice_t name, cigna_slice_t value);
static int cigna_resource_types_sort(cigna_resource_types_ask_t *ask,
    cigna_slice_t list);
static int cigna_resource_types_reversed(cigna_resource_types_ask_t *ask,
    cigna_slice_t name);
static int cigna_resource_types_chain(cigna_resource_types_ask_t *ask,
    cigna_slice_t name, cigna_slice_t *last);
static int cigna_resource_types_link(cigna_resource_types_ask_t *ask,
    cigna_slice_t link);
static cigna_slice_t cigna_resource_types_behind_has(cigna_slice_t name);
static int cigna_resource_types_include(cigna_resource_types_ask_t *ask,
    cigna_slice_t name, cigna_slice_t value);
static int cigna_resource_types_pair(cigna_slice_t *query,
    cigna_resource_types_word_t *name, cigna_slice_t *value);
static int cigna_resource_types_one(cigna_resource_types_ask_t *ask,
    cigna_slice_t name);
static int cigna_resource_types_listed(const cigna_resource_types_t *types,
    cigna_slice_t name);
static int cigna_resource_types_refuse(cigna_resource_types_ask_t *ask,
    cigna_slice_t name);
static int cigna_resource_types_refuse_link(cigna_resource_types_ask_t *ask,
    cigna_slice_t name);
static int cigna_resource_types_among(cigna_slice_t name,
    const char *const *names, int (*eq)(cigna_slice_t a, cigna_slice_t b));
static int cigna_resource_types_upper(cigna_slice_t s);


/* parameters that may search or return resources of any type */

static const char *const  cigna_resource_types_unknown[] = {
    "_filter", "_query", "_graph", "_not-referenced", "_with", "_assoc", NULL
};


int
cigna_resource_types_name(cigna_slice_t name)
{
    if (name.len < 2 || name.len > CIGNA_TYPE_LEN_MAX) {
        return 0;
    }

    if (name.data[0] == '$') {
        return cigna_slice_only(cigna_slice_skip(name, 1), "-_.");
    }

    return cigna_resource_types_upper(name) && cigna_slice_only(name, "");
}


int
cigna_resource_types_allow(const cigna_resource_types_t *types,
    cigna_slice_t path, cigna_slice_t query, cigna_buf_t *what)
{
    cigna_resource_types_ask_t  ask;

    ask.types = types;
    ask.query = query;
    ask.what = what;
    ask.operation = 0;

    if (cigna_resource_types_split(&ask, path) != CIGNA_OK
        || cigna_resource_types_path(&ask) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_resource_types_query(&ask);
}


/* decodes the segments of the path into ask->words; ignores a "/" at the end */

static int
cigna_resource_types_split(cigna_resource_types_ask_t *ask, cigna_slice_t path)
{
    cigna_slice_t                 segment;
    cigna_resource_types_word_t  *word;

    ask->count = 0;

    while (path.len) {

        if (ask->count == CIGNA_RESOURCE_TYPES_SEGMENTS) {
            return CIGNA_ERROR;
        }

        word = &ask->words[ask->count++];
        segment = cigna_slice_cut(&path, '/');

        if (cigna_resource_types_decode(segment, 0, word) != CIGNA_OK
            || !cigna_resource_types_segment(word->text))
        {
            return CIGNA_ERROR;
        }

        ask->operation |= (word->text.data[0] == '$');
    }

    return CIGNA_OK;
}


/*
 * 1 if all servers read the segment in the same way.  Some servers drop ";" and
 * the text after it before they look for dots, and some decode twice.
 */

static int
cigna_resource_types_segment(cigna_slice_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (cigna_slice_has(cigna_slice("/\\%?#"), text.data[i])) {
            return 0;
        }
    }

    text = cigna_slice_cut(&text, ';');

    return text.len
           && !cigna_slice_eq(text, cigna_slice("."))
           && !cigna_slice_eq(text, cigna_slice(".."));
}


/*
 * Decodes s.  *word gets the beginning of the decoded text.  plus: 1 if "+"
 * stands for a space.  CIGNA_ERROR: s is malformed.
 */

static int
cigna_resource_types_decode(cigna_slice_t s, int plus,
    cigna_resource_types_word_t *word)
{
    int     c;
    size_t  n;

    n = 0;

    while (s.len) {

        c = cigna_resource_types_byte(&s, plus);

        if (c < 0x20 || c == 0x7f) {
            return CIGNA_ERROR;
        }

        if (n < CIGNA_TYPE_LEN_MAX) {
            word->bytes[n] = (uint8_t) c;

        } else if (c == '/' || c == '\\') {
            return CIGNA_ERROR;
        }

        n++;
    }

    word->cut = n > CIGNA_TYPE_LEN_MAX;
    word->text.data = word->bytes;
    word->text.len = word->cut ? CIGNA_TYPE_LEN_MAX : n;

    return CIGNA_OK;
}


/*
 * Cuts a byte or an escape off the front, and returns the decoded byte.  -1:
 * the escape is broken.  plus: "+" means a space.
 */

static int
cigna_resource_types_byte(cigna_slice_t *s, int plus)
{
    int  c;

    c = s->data[0];

    if (c != '%') {
        *s = cigna_slice_skip(*s, 1);
        return (plus && c == '+') ? ' ' : c;
    }

    c = cigna_slice_escaped(*s);
    *s = cigna_slice_skip(*s, sizeof("%XX") - 1);

    return c;
}


static int
cigna_resource_types_path(cigna_resource_types_ask_t *ask)
{
    cigna_slice_t  first;

    if (ask->count == 0) {
        return cigna_resource_types_system(ask);
    }

    first = ask->words[0].text;

    if (cigna_resource_types_upper(first)) {
        return cigna_resource_types_typed(ask);
    }

    if (cigna_slice_eq(first, cigna_slice(".well-known"))) {
        return ask->count == 2 ? CIGNA_OK : CIGNA_ERROR;
    }

    if (ask->count > 1) {
        return CIGNA_ERROR;
    }

    if (cigna_slice_eq(first, cigna_slice("metadata"))
        || cigna_slice_eq(first, cigna_slice("$userinfo")))
    {
        return CIGNA_OK;
    }

    if (cigna_slice_eq(first, cigna_slice("_search"))
        || cigna_slice_eq(first, cigna_slice("_history")))
    {
        return cigna_resource_types_system(ask);
    }

    return first.data[0] == '$' ? cigna_resource_types_operation(ask, first)
                                : cigna_resource_types_refuse(ask, first);
}


static int
cigna_resource_types_typed(cigna_resource_types_ask_t *ask)
{
    cigna_slice_t  first, second;

    first = ask->words[0].text;

    if (ask->count == 1) {
        return cigna_resource_types_one(ask, first);
    }

    second = ask->words[1].text;

    if (ask->count > 2) {

        if (second.data[0] == '_' || second.data[0] == '$') {
            return CIGNA_ERROR;
        }

        return cigna_resource_types_instance(ask, ask->words[2].text);
    }

    if (second.data[0] == '$'
        && cigna_resource_types_operation(ask, second) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_resource_types_one(ask, first);
}


/* checks the rest of a path Type/id/third or Type/id/third/fourth */

static int
cigna_resource_types_instance(cigna_resource_types_ask_t *ask,
    cigna_slice_t third)
{
    cigna_slice_t  fourth;

    fourth = (ask->count > 3) ? ask->words[3].text : cigna_slice_null;

    if (ask->count > 4) {
        return CIGNA_ERROR;
    }

    if (cigna_slice_eq(third, cigna_slice("_history"))) {

        if (fourth.len && fourth.data[0] == '$') {
            return CIGNA_ERROR;
        }

        return cigna_resource_types_one(ask, ask->words[0].text);
    }

    if (fourth.len && !cigna_slice_eq(fourth, cigna_slice("_search"))) {
        return CIGNA_ERROR;
    }

    if (third.data[0] != '$') {
        return cigna_resource_types_upper(third)
               ? cigna_resource_types_one(ask, third)
               : cigna_resource_types_refuse(ask, third);
    }

    if (fourth.len || cigna_resource_types_operation(ask, third) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    return cigna_resource_types_one(ask, ask->words[0].text);
}


static int
cigna_resource_types_operation(cigna_resource_types_ask_t *ask,
    cigna_slice_t name)
{
    if (cigna_resource_types_listed(ask->types, name)) {
        return CIGNA_OK;
    }

    if (cigna_slice_eq(name, cigna_slice("$everything"))) {
        return cigna_resource_types_told(ask, name);
    }

    return cigna_resource_types_refuse(ask, name);
}


static int
cigna_resource_types_system(cigna_resource_types_ask_t *ask)
{
    if (ask->count == 0 && cigna_resource_types_paged(ask)) {
        return CIGNA_OK;
    }

    return cigna_resource_types_told(ask, cigna_slice("*"));
}


static int
cigna_resource_types_paged(const cigna_resource_types_ask_t *ask)
{
    cigna_slice_t                query, value;
    cigna_resource_types_word_t  name;

    query = ask->query;

    while (query.len) {
        if (cigna_resource_types_pair(&query, &name, &value) == CIGNA_OK
            && cigna_slice_eq(name.text, cigna_slice("_getpages"))
            && value.len)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Checks the types in each _type parameter.  If there is no such parameter, or
 * if one has a modifier (_type:...), refuses the request and reports the text
 * "otherwise".
 */

static int
cigna_resource_types_told(cigna_resource_types_ask_t *ask,
    cigna_slice_t otherwise)
{
    int                          told;
    cigna_slice_t                query, value, name;
    cigna_resource_types_word_t  word;

    told = 0;
    query = ask->query;

    while (query.len) {

        if (cigna_resource_types_pair(&query, &word, &value) != CIGNA_OK) {
            return CIGNA_ERROR;
        }

        name = word.text;

        if (!cigna_slice_eq_case(cigna_slice_cut(&name, ':'),
                                 cigna_slice("_type")))
        {
            continue;
        }

        if (!cigna_slice_eq(word.text, cigna_slice("_type"))) {
            return cigna_resource_types_refuse(ask, otherwise);
        }

        if (cigna_resource_types_list(ask, value) != CIGNA_OK) {
            return CIGNA_ERROR;
        }

        told = 1;
    }

    return told ? CIGNA_OK : cigna_resource_types_refuse(ask, otherwise);
}


static int
cigna_resource_types_list(cigna_resource_types_ask_t *ask, cigna_slice_t list)
{
    int                          rc;
    cigna_resource_types_word_t  item;

    do {
        rc = cigna_resource_types_item(&list, &item);

        if (rc == CIGNA_ERROR
            || cigna_resource_types_one(ask, item.text) != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }

    } while (rc == CIGNA_AGAIN);

    return CIGNA_OK;
}


/*
 * Takes the next item of a list.  The commas between items may be encoded.
 * CIGNA_OK: the item is the last one.  CIGNA_AGAIN: another item follows.
 * CIGNA_ERROR: the item is too long, or has a broken escape.
 */

static int
cigna_resource_types_item(cigna_slice_t *list,
    cigna_resource_types_word_t *item)
{
    int  c;

    item->text.data = item->bytes;
    item->text.len = 0;

    while (list->len) {

        c = cigna_resource_types_byte(list, 1);

        if (c == ',') {
            return CIGNA_AGAIN;
        }

        if (c < 0 || item->text.len == CIGNA_TYPE_LEN_MAX) {
            return CIGNA_ERROR;
        }

        item->bytes[item->text.len++] = (uint8_t) c;
    }

    return CIGNA_OK;
}


static int
cigna_resource_types_query(cigna_resource_types_ask_t *ask)
{
    cigna_slice_t                query, value, last;
    cigna_resource_types_word_t  word;

    query = ask->query;

    while (query.len) {

        if (cigna_resource_types_pair(&query, &word, &value) != CIGNA_OK
            || word.cut
            || cigna_resource_types_plain(ask, word.text, value) != CIGNA_OK
            || cigna_resource_types_reversed(ask, word.text) != CIGNA_OK
            || cigna_resource_types_chain(ask, word.text, &last) != CIGNA_OK
            || cigna_resource_types_parameter(ask, last, value) != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


/*
 * Refuses names and values that a server may read as several parameters: some
 * servers separate parameters at ";", and some decode names twice.
 */

static int
cigna_resource_types_plain(cigna_resource_types_ask_t *ask, cigna_slice_t name,
    cigna_slice_t value)
{
    int     c;
    size_t  i;

    for (i = 0; i < name.len; i++) {
        if (cigna_slice_has(cigna_slice("%&;= "), name.data[i])) {
            return cigna_resource_types_refuse(ask, cigna_slice(";"));
        }
    }

    while (value.len) {

        c = cigna_resource_types_byte(&value, 1);

        if (c == ';') {
            return cigna_resource_types_refuse(ask, cigna_slice(";"));
        }

        if (c < 0) {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


/*
 * Checks a parameter.  name: the parameter's name, or the last name of a chain.
 * Its letter case is ignored, as some servers ignore it.
 */

static int
cigna_resource_types_parameter(cigna_resource_types_ask_t *ask,
    cigna_slice_t name, cigna_slice_t value)
{
    cigna_slice_t  modifier;

    modifier = name;
    name = cigna_slice_cut(&modifier, ':');

    if (cigna_slice_eq_case(name, cigna_slice("_include"))
        || cigna_slice_eq_case(name, cigna_slice("_revinclude")))
    {
        return cigna_resource_types_include(ask, name, value);
    }

    /*
     * With these parameters the server may search or return resources of any
     * type.  _contained makes it return the containers of the matches.
     */

    if (cigna_resource_types_among(name, cigna_resource_types_unknown,
                                   cigna_slice_eq_case)
        || (cigna_slice_eq_case(name, cigna_slice("_contained"))
            && !cigna_slice_eq(value, cigna_slice("false"))))
    {
        return cigna_resource_types_refuse(ask, name);
    }

    if (cigna_slice_eq_case(name, cigna_slice("_sort"))) {
        return cigna_resource_types_sort(ask, value);
    }

    /* an operation that is on the list may return any type anyway */

    if (cigna_slice_eq_case(name, cigna_slice("_type")) && !ask->operation) {
        return modifier.len ? cigna_resource_types_refuse(ask, cigna_slice("*"))
                            : cigna_resource_types_list(ask, value);
    }

    /* _list and _in reveal entries of a resource that is not returned */

    if (cigna_slice_eq_case(name, cigna_slice("_list"))) {
        return cigna_resource_types_one(ask, cigna_slice("List"));
    }

    if (cigna_slice_eq_case(name, cigna_slice("_in"))) {
        return cigna_resource_types_list(ask,
                                         cigna_slice("CareTeam,Group,List"));
    }

    return CIGNA_OK;
}


/*
 * checks a value of _sort: the order of the results reveals the values by which
 * the server has sorted them
 */

static int
cigna_resource_types_sort(cigna_resource_types_ask_t *ask, cigna_slice_t list)
{
    int                          rc;
    cigna_slice_t                last;
    cigna_resource_types_word_t  item;

    do {
        rc = cigna_resource_types_item(&list, &item);

        if (rc == CIGNA_ERROR) {
            return CIGNA_ERROR;
        }

        if (item.text.len && item.text.data[0] == '-') {
            item.text = cigna_slice_skip(item.text, 1);
        }

        if (cigna_resource_types_reversed(ask, item.text) != CIGNA_OK
            || cigna_resource_types_chain(ask, item.text, &last) != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }

    } while (rc == CIGNA_AGAIN);

    return CIGNA_OK;
}


/*
 * Checks the type Source in "_has:Source:link:search", because the result
 * reveals resources of this type.  "search" may be another "_has:...", and
 * "_has" may follow links, as in "link._has:Source:...".
 */

static int
cigna_resource_types_reversed(cigna_resource_types_ask_t *ask,
    cigna_slice_t name)
{
    cigna_slice_t  part, last;

    while (name.len) {

        part = cigna_slice_cut(&name, ':');

        do {
            last = cigna_slice_cut(&part, '.');
        } while (part.len);

        if (!cigna_slice_eq_case(last, cigna_slice("_has"))) {
            continue;
        }

        if (name.len == 0) {
            return cigna_resource_types_refuse(ask, cigna_slice("_has"));
        }

        if (cigna_resource_types_one(ask, cigna_slice_cut(&name, ':'))
            != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


/*
 * Checks the types of the links in "link.link.last": the server searches the
 * resources that the links lead to, and the result reveals their contents.
 */

static int
cigna_resource_types_chain(cigna_resource_types_ask_t *ask, cigna_slice_t name,
    cigna_slice_t *last)
{
    cigna_slice_t  link;

    for ( ;; ) {

        link = cigna_slice_cut(&name, '.');

        if (link.data + link.len == name.data + name.len) {
            *last = cigna_resource_types_behind_has(link);
            return CIGNA_OK;
        }

        if (cigna_resource_types_link(ask,
                                      cigna_resource_types_behind_has(link))
            != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }
    }
}


/*
 * Checks the type that a link leads to: Type in "parameter:Type", or the only
 * type to which this parameter leads in FHIR R4.  Other parameters may lead to
 * several types and are refused.
 */

static int
cigna_resource_types_link(cigna_resource_types_ask_t *ask, cigna_slice_t link)
{
    size_t         i;
    cigna_slice_t  name;

    static const struct {
        const char  *name;
        const char  *type;
    } links[] = {
        { "beneficiary", "Patient" },
        { "claim", "Claim" },
        { "coverage", "Coverage" },
        { "location", "Location" },
        { "medication", "Medication" },
        { "organization", "Organization" },
        { "patient", "Patient" },
        { "practitioner", "Practitioner" },
        { NULL, NULL }
    };

    name = cigna_slice_cut(&link, ':');

    if (name.len && name.data[0] != '_' && link.len) {
        return cigna_resource_types_one(ask, link);
    }

    for (i = 0; links[i].name; i++) {
        if (cigna_slice_eq(name, cigna_slice_str(links[i].name))) {
            return cigna_resource_types_one(ask,
                                            cigna_slice_str(links[i].type));
        }
    }

    return cigna_resource_types_refuse_link(ask, name);
}


/* the part of a name after all "_has:Source:parameter:" */

static cigna_slice_t
cigna_resource_types_behind_has(cigna_slice_t name)
{
    cigna_slice_t  rest;

    for ( ;; ) {

        rest = name;

        if (!cigna_slice_eq_case(cigna_slice_cut(&rest, ':'),
                                 cigna_slice("_has")))
        {
            return name;
        }

        (void) cigna_slice_cut(&rest, ':');
        (void) cigna_slice_cut(&rest, ':');

        name = rest;
    }
}


/*
 * Checks the value of _include or _revinclude: "Source:parameter:Target".  With
 * _revinclude the server returns resources of type Source, and the target may
 * be missing.  With _include it returns resources of type Target, and a value
 * without a target is refused, as it may lead to any type.
 */

static int
cigna_resource_types_include(cigna_resource_types_ask_t *ask,
    cigna_slice_t name, cigna_slice_t value)
{
    cigna_slice_t                rest, source;
    cigna_resource_types_word_t  word;

    if (cigna_resource_types_decode(value, 1, &word) != CIGNA_OK || word.cut
        || cigna_slice_has(word.text, ','))
    {
        return cigna_resource_types_refuse(ask, name);
    }

    rest = word.text;
    source = cigna_slice_cut(&rest, ':');

    if (cigna_slice_eq_case(name, cigna_slice("_revinclude"))) {
        return rest.len ? cigna_resource_types_one(ask, source)
                        : cigna_resource_types_refuse(ask, name);
    }

    (void) cigna_slice_cut(&rest, ':');

    return rest.len ? cigna_resource_types_one(ask, rest)
                    : cigna_resource_types_refuse(ask, name);
}


static int
cigna_resource_types_pair(cigna_slice_t *query,
    cigna_resource_types_word_t *name, cigna_slice_t *value)
{
    *value = cigna_slice_cut(query, '&');

    return cigna_resource_types_decode(cigna_slice_cut(value, '='), 1, name);
}


static int
cigna_resource_types_one(cigna_resource_types_ask_t *ask, cigna_slice_t name)
{
    return cigna_resource_types_upper(name)
           && cigna_resource_types_listed(ask->types, name)
           ? CIGNA_OK : cigna_resource_types_refuse(ask, name);
}


static int
cigna_resource_types_listed(const cigna_resource_types_t *types,
    cigna_slice_t name)
{
    size_t  i;

    for (i = 0; i < types->count; i++) {
        if (cigna_slice_eq(types->names[i], name)) {
            return 1;
        }
    }

    return 0;
}


/*
 * refuses the request, and reports the name, but only if it is well formed,
 * because logs and replies show it
 */

static int
cigna_resource_types_refuse(cigna_resource_types_ask_t *ask, cigna_slice_t name)
{
    static const char *const  others[] = {
        "*", "_include", "_revinclude", "_has", "_contained", ";", NULL
    };

    if (cigna_resource_types_name(name)
        || cigna_resource_types_among(name, cigna_resource_types_unknown,
                                      cigna_slice_eq)
        || cigna_resource_types_among(name, others, cigna_slice_eq))
    {
        cigna_buf_append(ask->what, name);
    }

    return CIGNA_ERROR;
}


/* 1 if the name is among the names; "eq" compares, with or without the case */

static int
cigna_resource_types_among(cigna_slice_t name, const char *const *names,
    int (*eq)(cigna_slice_t a, cigna_slice_t b))
{
    for ( /* void */ ; *names; names++) {
        if (eq(name, cigna_slice_str(*names))) {
            return 1;
        }
    }

    return 0;
}


/* refuses a link, and reports its name if it looks like a FHIR parameter */

static int
cigna_resource_types_refuse_link(cigna_resource_types_ask_t *ask,
    cigna_slice_t name)
{
    if (cigna_slice_only(name, "-")) {
        cigna_buf_append(ask->what, name);
    }

    return CIGNA_ERROR;
}


static int
cigna_resource_types_upper(cigna_slice_t s)
{
    return s.len && s.data[0] >= 'A' && s.data[0] <= 'Z';
}
