
#include <jansson.h>

#include "cigna_json.h"
#include "cigna_json_mend.h"
#include "cigna_json_raw.h"
#include "base/cigna_secret.h"


static cigna_json_t *cigna_json_load(cigna_slice_t text, size_t max,
    size_t flags);
static cigna_json_t *cigna_json_object(json_t *doc);
static size_t cigna_json_fill(void *out, size_t size, void *data);
static void cigna_json_wipe(const json_t *value);
static const json_t *cigna_json_member(const cigna_json_t *object,
    const char *name);
static cigna_slice_t cigna_json_slice(const json_t *string);
static void cigna_json_append_char(cigna_buf_t *b, cigna_slice_t *s);


cigna_json_t *
cigna_json_parse(cigna_slice_t text)
{
    return cigna_json_load(text, CIGNA_JSON_SIZE_MAX, 0);
}


int
cigna_json_is_object(cigna_slice_t text, size_t max)
{
    cigna_json_t  *doc;

    /* jansson passes over a NUL byte behind a number or a word */

    if (cigna_slice_has(text, '\0')) {
        return 0;
    }

    doc = cigna_json_load(text, max, JSON_ALLOW_NUL);
    cigna_json_destroy(doc);

    return doc != NULL;
}


/*
 * Integers are read as reals: jansson refuses a whole document for one integer
 * that does not fit 64 bits.
 */

static cigna_json_t *
cigna_json_load(cigna_slice_t text, size_t max, size_t flags)
{
    if (text.len == 0 || text.len > max) {
        return NULL;
    }

    return cigna_json_object(json_loadb((const char *) text.data, text.len,
                                        JSON_REJECT_DUPLICATES
                                        | JSON_DECODE_INT_AS_REAL | flags,
                                        NULL));
}


cigna_json_t *
cigna_json_read(cigna_slice_t text)
{
    cigna_json_mend_t  m;

    if (text.len == 0 || text.len > CIGNA_JSON_SIZE_MAX) {
        return NULL;
    }

    cigna_json_mend_init(&m, text);

    return cigna_json_object(json_load_callback(cigna_json_fill, &m,
                                                JSON_DECODE_INT_AS_REAL,
                                                NULL));
}


int
cigna_json_contradicts(cigna_slice_t text, const char *name)
{
    cigna_json_mend_t  m;

    /* skips a byte order mark */

    cigna_json_mend_init(&m, text);

    return cigna_json_raw_differs(m.rest, cigna_slice_str(name));
}


int
cigna_json_settle(cigna_json_t *doc, cigna_slice_t text, const char *name)
{
    if (!cigna_json_contradicts(text, name)) {
        return 0;
    }

    cigna_json_wipe(json_object_get(doc, name));
    (void) json_object_del(doc, name);

    return 1;
}


void
cigna_json_destroy(cigna_json_t *doc)
{
    cigna_json_wipe(doc);
    json_decref(doc);
}


int
cigna_json_string(const cigna_json_t *object, const char *name, size_t max,
    cigna_slice_t *value)
{
    const json_t  *member;

    *value = cigna_slice_null;

    member = cigna_json_member(object, name);

    if (member == NULL) {
        return CIGNA_NONE;
    }

    if (!json_is_string(member) || json_string_length(member) > max) {
        return CIGNA_ERROR;
    }

    *value = cigna_json_slice(member);

    return CIGNA_OK;
}


int
cigna_json_bool(const cigna_json_t *object, const char *name, int *value)
{
    const json_t  *member;

    *value = 0;

    member = cigna_json_member(object, name);

    if (member == NULL) {
        return CIGNA_NONE;
    }

    if (!json_is_boolean(member)) {
        return CIGNA_ERROR;
    }

    *value = json_is_true(member);

    return CIGNA_OK;
}


int
cigna_json_array(const cigna_json_t *object, const char *name,
    const cigna_json_t **value)
{
    int  rc;

    rc = cigna_json_child(object, name, value);

    if (json_is_array(*value)) {
        return CIGNA_OK;
    }

    *value = NULL;

    return rc == CIGNA_NONE ? CIGNA_NONE : CIGNA_ERROR;
}


int
cigna_json_child(const cigna_json_t *object, const char *name,
    const cigna_json_t **value)
{
    *value = cigna_json_member(object, name);

    if (*value == NULL) {
        return CIGNA_NONE;
    }

    return json_is_object(*value) ? CIGNA_OK : CIGNA_ERROR;
}


int
cigna_json_seconds(const cigna_json_t *object, const char *name, int64_t max,
    int64_t *value)
{
    double         number;
    uint64_t       n;
    const json_t  *member;

    member = cigna_json_member(object, name);

    if (member == NULL) {
        return CIGNA_NONE;
    }

    if (json_is_number(member)) {
        number = json_number_value(member);

        /*
         * C does not define the conversion to int64_t of a number that does not
         * fit
         */

        if (!(number >= 0 && number < 0x1p63) || (int64_t) number > max) {
            return CIGNA_ERROR;
        }

        *value = (int64_t) number;

        return CIGNA_OK;
    }

    if (cigna_slice_uint(cigna_json_slice(member), (uint64_t) max, &n)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    *value = (int64_t) n;

    return CIGNA_OK;
}


size_t
cigna_json_count(const cigna_json_t *array)
{
    return json_array_size(array);
}


const cigna_json_t *
cigna_json_item(const cigna_json_t *array, size_t i)
{
    const json_t  *item;

    item = json_array_get(array, i);

    return json_is_object(item) ? item : NULL;
}


cigna_slice_t
cigna_json_item_string(const cigna_json_t *array, size_t i)
{
    return cigna_json_slice(json_array_get(array, i));
}


void
cigna_json_append_string(cigna_buf_t *b, cigna_slice_t s)
{
    cigna_buf_append_char(b, '"');

    while (s.len) {
        cigna_json_append_char(b, &s);
    }

    cigna_buf_append_char(b, '"');
}


/* returns doc if it is an object; otherwise frees doc and returns NULL */

static cigna_json_t *
cigna_json_object(json_t *doc)
{
    if (json_is_object(doc)) {
        return doc;
    }

    cigna_json_destroy(doc);

    return NULL;
}


static size_t
cigna_json_fill(void *out, size_t size, void *data)
{
    return cigna_json_mend_next(data, out, size);
}


/*
 * jansson owns the strings and declares them const.  They may be overwritten
 * here, because nobody else has a pointer to them any more.  They may be
 * tokens.
 */

static void
cigna_json_wipe(const json_t *value)
{
    void    *iter;
    size_t   i;

    if (json_is_string(value)) {
        cigna_secret_wipe((char *) json_string_value(value),
                          json_string_length(value));
    }

    /* jansson finds no elements and no members in a value of another type */

    for (i = 0; i < json_array_size(value); i++) {
        cigna_json_wipe(json_array_get(value, i));
    }

    for (iter = json_object_iter((json_t *) value);
         iter;
         iter = json_object_iter_next((json_t *) value, iter))
    {
        cigna_json_wipe(json_object_iter_value(iter));
    }
}


/* the member of this name; NULL if it is absent or null */

static const json_t *
cigna_json_member(const cigna_json_t *object, const char *name)
{
    const json_t  *member;

    member = json_object_get(object, name);

    return json_is_null(member) ? NULL : member;
}


static cigna_slice_t
cigna_json_slice(const json_t *string)
{
    if (!json_is_string(string)) {
        return cigna_slice_null;
    }

    return (cigna_slice_t) { (const uint8_t *) json_string_value(string),
                             json_string_length(string) };
}


/* cuts the first character off s and appends it, escaped */

static void
cigna_json_append_char(cigna_buf_t *b, cigna_slice_t *s)
{
    size_t             len;
    uint8_t            c;
    static const char  hex[] = "0123456789abcdef";

    c = s->data[0];
    len = cigna_slice_utf8(*s);

    if (len == 0) {

        /* a byte that is not UTF-8 is not allowed in JSON */

        cigna_buf_append_str(b, "\\ufffd");
        len = 1;

    } else if (c < ' ') {
        cigna_buf_append_str(b, "\\u00");
        cigna_buf_append_char(b, (uint8_t) hex[c >> 4]);
        cigna_buf_append_char(b, (uint8_t) hex[c & 0xf]);

    } else {

        if (c == '"' || c == '\\') {
            cigna_buf_append_char(b, '\\');
        }

        cigna_buf_append(b, (cigna_slice_t) { s->data, len });
    }

    *s = cigna_slice_skip(*s, len);
}
