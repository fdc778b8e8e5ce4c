
#include <string.h>

#include "cigna_grant.h"


#define CIGNA_FIELDS_VERSION  1
#define CIGNA_FIELD_HEAD      5            /* tag and length */

#define CIGNA_FIELD_BIT(tag)  ((uint32_t) 1 << (tag))


typedef enum {
    cigna_field_bytes = 0,                 /* cigna_slice_t; empty: left out */
    cigna_field_time,                      /* int64_t, 8 bytes, big endian */
    cigna_field_state,                     /* cigna_grant_state_e, which is an
                                              unsigned; one byte, 0 or 1 */
    cigna_field_flag                       /* unsigned; 0: left out */
} cigna_field_e;


/* tags are below 32; the tag of a removed field is never used again */

typedef struct {
    uint8_t         tag;
    cigna_field_e   type;
    size_t          offset;
} cigna_field_t;


static void cigna_fields_append(cigna_buf_t *b, const cigna_field_t *fields,
    const void *record);
static int cigna_fields_parse(cigna_slice_t text, const cigna_field_t *fields,
    void *record);
static void cigna_fields_clear(const cigna_field_t *fields, void *record);
static int cigna_fields_read(cigna_slice_t text, const cigna_field_t *fields,
    void *record);
static int cigna_fields_next(cigna_slice_t *text, uint8_t *tag,
    cigna_slice_t *value);
static int cigna_fields_complete(const cigna_field_t *fields, uint32_t seen);
static const cigna_field_t *cigna_fields_find(const cigna_field_t *fields,
    uint8_t tag);
static void cigna_field_append(cigna_buf_t *b, const cigna_field_t *field,
    const void *member);
static int cigna_field_read(const cigna_field_t *field, cigna_slice_t value,
    void *member);
static uint64_t cigna_field_number(const uint8_t *p, size_t len);


static const cigna_field_t  cigna_grant_fields[] = {
    { 1, cigna_field_state, offsetof(cigna_grant_t, state) },
    { 2, cigna_field_bytes, offsetof(cigna_grant_t, access_token) },
    { 3, cigna_field_bytes, offsetof(cigna_grant_t, refresh_token) },
    { 4, cigna_field_bytes, offsetof(cigna_grant_t, scope) },
    { 5, cigna_field_bytes, offsetof(cigna_grant_t, patient) },
    { 6, cigna_field_bytes, offsetof(cigna_grant_t, sub) },
    { 7, cigna_field_bytes, offsetof(cigna_grant_t, fhir_user) },
    { 8, cigna_field_time, offsetof(cigna_grant_t, obtained_ms) },
    { 9, cigna_field_time, offsetof(cigna_grant_t, expires_ms) },
    { 10, cigna_field_time, offsetof(cigna_grant_t, connected_ms) },
    { 11, cigna_field_flag, offsetof(cigna_grant_t, forced) },
    { 12, cigna_field_bytes, offsetof(cigna_grant_t, userinfo) },
    { 0, cigna_field_bytes, 0 }
};


static const cigna_field_t  cigna_dance_fields[] = {
    { 1, cigna_field_bytes, offsetof(cigna_dance_t, id) },
    { 2, cigna_field_bytes, offsetof(cigna_dance_t, verifier) },
    { 3, cigna_field_bytes, offsetof(cigna_dance_t, nonce) },
    { 4, cigna_field_bytes, offsetof(cigna_dance_t, return_to) },
    { 5, cigna_field_bytes, offsetof(cigna_dance_t, redirect_uri) },
    { 6, cigna_field_bytes, offsetof(cigna_dance_t, issuer) },
    { 7, cigna_field_time, offsetof(cigna_dance_t, started_ms) },
    { 0, cigna_field_bytes, 0 }
};


void
cigna_grant_append(cigna_buf_t *b, const cigna_grant_t *g)
{
    cigna_fields_append(b, cigna_grant_fields, g);
}


int
cigna_grant_parse(cigna_slice_t text, cigna_grant_t *g)
{
    return cigna_fields_parse(text, cigna_grant_fields, g);
}


void
cigna_dance_append(cigna_buf_t *b, const cigna_dance_t *d)
{
    cigna_fields_append(b, cigna_dance_fields, d);
}


int
cigna_dance_parse(cigna_slice_t text, cigna_dance_t *d)
{
    return cigna_fields_parse(text, cigna_dance_fields, d);
}


static void
cigna_fields_append(cigna_buf_t *b, const cigna_field_t *fields,
    const void *record)
{
    const cigna_field_t  *field;

    cigna_buf_append_char(b, CIGNA_FIELDS_VERSION);

    for (field = fields; field->tag; field++) {
        cigna_field_append(b, field, (const char *) record + field->offset);
    }
}


static int
cigna_fields_parse(cigna_slice_t text, const cigna_field_t *fields,
    void *record)
{
    int  rc;

    cigna_fields_clear(fields, record);

    rc = cigna_fields_read(text, fields, record);

    /* a caller that ignores the error must not use half a record */

    if (rc != CIGNA_OK) {
        cigna_fields_clear(fields, record);
    }

    return rc;
}


static void
cigna_fields_clear(const cigna_field_t *fields, void *record)
{
    const cigna_field_t  *field;

    static const size_t  sizes[] = {
        [cigna_field_bytes] = sizeof(cigna_slice_t),
        [cigna_field_time] = sizeof(int64_t),
        [cigna_field_state] = sizeof(unsigned),
        [cigna_field_flag] = sizeof(unsigned)
    };

    for (field = fields; field->tag; field++) {
        memset((char *) record + field->offset, 0, sizes[field->type]);
    }
}


static int
cigna_fields_read(cigna_slice_t text, const cigna_field_t *fields,
    void *record)
{
    uint8_t               tag;
    uint32_t              seen;
    cigna_slice_t         value;
    const cigna_field_t  *field;

    if (text.len == 0 || text.data[0] != CIGNA_FIELDS_VERSION) {
        return CIGNA_ERROR;
    }

    text = cigna_slice_skip(text, 1);
    seen = 0;

    while (text.len) {

        if (cigna_fields_next(&text, &tag, &value) != CIGNA_OK) {
            return CIGNA_ERROR;
        }

        field = cigna_fields_find(fields, tag);
        if (field == NULL) {
            continue;
        }

        if (seen & CIGNA_FIELD_BIT(tag)
            || cigna_field_read(field, value, (char *) record + field->offset)
               != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }

        seen |= CIGNA_FIELD_BIT(tag);
    }

    return cigna_fields_complete(fields, seen);
}


/* cuts the next field off the text */

static int
cigna_fields_next(cigna_slice_t *text, uint8_t *tag, cigna_slice_t *value)
{
    if (text->len < CIGNA_FIELD_HEAD) {
        return CIGNA_ERROR;
    }

    *tag = text->data[0];
    value->len = (size_t) cigna_field_number(text->data + 1, 4);
    value->data = text->data + CIGNA_FIELD_HEAD;

    if (value->len > text->len - CIGNA_FIELD_HEAD) {
        return CIGNA_ERROR;
    }

    *text = cigna_slice_skip(*text, CIGNA_FIELD_HEAD + value->len);

    return CIGNA_OK;
}


/* an empty slice or flag is left out; times and states are always written */

static int
cigna_fields_complete(const cigna_field_t *fields, uint32_t seen)
{
    const cigna_field_t  *field;

    for (field = fields; field->tag; field++) {
        if (field->type != cigna_field_bytes
            && field->type != cigna_field_flag
            && !(seen & CIGNA_FIELD_BIT(field->tag)))
        {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


static const cigna_field_t *
cigna_fields_find(const cigna_field_t *fields, uint8_t tag)
{
    const cigna_field_t  *field;

    for (field = fields; field->tag; field++) {
        if (field->tag == tag) {
            return field;
        }
    }

    return NULL;
}


static void
cigna_field_append(cigna_buf_t *b, const cigna_field_t *field,
    const void *member)
{
    uint8_t               n;
    const cigna_slice_t  *bytes;

    switch (field->type) {

    case cigna_field_bytes:
        bytes = member;

        if (bytes->len) {
            cigna_buf_append_char(b, field->tag);
            cigna_buf_append_lp(b, *bytes);
        }

        break;

    case cigna_field_time:
        cigna_buf_append_char(b, field->tag);
        cigna_buf_append_u32(b, 8);
        cigna_buf_append_u64(b, (uint64_t) *(const int64_t *) member);
        break;

    case cigna_field_state:
    case cigna_field_flag:
        n = *(const unsigned *) member != 0;

        if (n || field->type == cigna_field_state) {
            cigna_buf_append_char(b, field->tag);
            cigna_buf_append_lp(b, cigna_slice_make(&n, &n + 1));
        }

        break;
    }
}


static int
cigna_field_read(const cigna_field_t *field, cigna_slice_t value,
    void *member)
{
    switch (field->type) {

    case cigna_field_bytes:
        *(cigna_slice_t *) member = value;
        return CIGNA_OK;

    case cigna_field_time:

        if (value.len != 8) {
            return CIGNA_ERROR;
        }

        *(int64_t *) member = (int64_t) cigna_field_number(value.data, 8);
        return CIGNA_OK;

    case cigna_field_state:
    case cigna_field_flag:

        if (value.len != 1
            || value.data[0] > 1
            || value.data[0] < (field->type == cigna_field_flag))
        {
            return CIGNA_ERROR;
        }

        *(unsigned *) member = value.data[0];
        return CIGNA_OK;
    }

    return CIGNA_ERROR;
}


static uint64_t
cigna_field_number(const uint8_t *p, size_t len)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < len; i++) {
        n = n << 8 | p[i];
    }

    return n;
}
