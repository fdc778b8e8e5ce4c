
#include <limits.h>
#include <string.h>

#include "cigna_vault.h"


/* most bytes of issuer, client id and fhir_base together */
#define CIGNA_VAULT_TEXT_MAX   8192
#define CIGNA_VAULT_AAD_MAX    512


/* the elements of the reply to the command of cigna_vault_read_args() */

typedef enum {
    cigna_vault_id = 0,
    cigna_vault_generation,
    cigna_vault_blob,
    cigna_vault_mark,
    cigna_vault_attempts,
    cigna_vault_refused,
    cigna_vault_fields
} cigna_vault_field_e;


/* as bits, the elements that no grant may lack */
#define CIGNA_VAULT_RECORD                                                    \
    (1u << cigna_vault_id | 1u << cigna_vault_generation                      \
     | 1u << cigna_vault_blob)


static cigna_record_t cigna_vault_record(const cigna_subject_t *s,
    const char *type, cigna_slice_t name);
static int cigna_vault_grant_data(cigna_buf_t *b,
    const cigna_record_t *record, const cigna_grant_t *g,
    cigna_slice_t registration);
static int cigna_vault_seal(const cigna_subject_t *s,
    const cigna_record_t *record, cigna_slice_t aad, cigna_slice_t head,
    cigna_slice_t plain, const uint8_t *nonce, cigna_slice_t *blob);
static int cigna_vault_open(const cigna_subject_t *s,
    const cigna_record_t *record, cigna_slice_t aad, cigna_slice_t sealed,
    cigna_slice_t *plain);
static int cigna_vault_read_reply(const cigna_reply_t *reply,
    cigna_slice_t fields[cigna_vault_fields]);
static int cigna_vault_read_id(const cigna_slice_t fields[cigna_vault_fields],
    cigna_grant_t *g);
static int cigna_vault_read_mark(
    const cigna_slice_t fields[cigna_vault_fields], uint64_t generation,
    cigna_vault_mark_t *mark);
static int cigna_vault_read_refused(cigna_slice_t text, uint64_t generation,
    uint64_t *refused);
static int cigna_vault_read_number(cigna_slice_t text, uint64_t max,
    uint64_t *n);


int
cigna_vault_register(cigna_provider_t *p)
{
    uint8_t      mem[CIGNA_VAULT_TEXT_MAX];
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));

    cigna_buf_append_lp(&b, p->configured_issuer);
    cigna_buf_append_lp(&b, p->client_id);
    cigna_buf_append_lp(&b, p->fhir_base);

    return b.overflow ? CIGNA_ERROR
                      : cigna_secret_sha256(cigna_buf_slice(&b),
                                            p->registration);
}


int
cigna_vault_seal_grant(const cigna_subject_t *s, const cigna_grant_t *g,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_slice_t *blob)
{
    uint8_t         mem[CIGNA_VAULT_AAD_MAX];
    cigna_buf_t     b, aad;
    cigna_slice_t   plain, head;
    cigna_record_t  record;

    *blob = cigna_slice_null;

    record = cigna_vault_record(s, "grant", s->identity->grant_key);
    head = (cigna_slice_t) { s->provider->registration,
                             CIGNA_REGISTRATION_LEN };

    cigna_buf_init(&aad, mem, sizeof(mem));

    if (cigna_vault_grant_data(&aad, &record, g, head) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(s->arena, &b);
    cigna_grant_append(&b, g);
    plain = cigna_arena_close(s->arena, &b);

    if (plain.len > CIGNA_GRANT_PLAIN_MAX) {
        return CIGNA_ERROR;
    }

    return cigna_vault_seal(s, &record, cigna_buf_slice(&aad), head, plain,
                            nonce, blob);
}


int
cigna_vault_open_grant(const cigna_subject_t *s, cigna_slice_t blob,
    cigna_grant_t *g)
{
    int             rc;
    uint8_t         mem[CIGNA_VAULT_AAD_MAX];
    cigna_buf_t     aad;
    cigna_slice_t   head, plain;
    cigna_record_t  record;

    if (blob.len < CIGNA_REGISTRATION_LEN) {
        return CIGNA_SEAL_DAMAGED;
    }

    /* opens with the blob's registration, to tell "moved" from "damaged" */

    record = cigna_vault_record(s, "grant", s->identity->grant_key);
    head = (cigna_slice_t) { blob.data, CIGNA_REGISTRATION_LEN };

    cigna_buf_init(&aad, mem, sizeof(mem));

    if (cigna_vault_grant_data(&aad, &record, g, head) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    rc = cigna_vault_open(s, &record, cigna_buf_slice(&aad),
                          cigna_slice_skip(blob, head.len), &plain);
    if (rc != CIGNA_OK) {
        return rc;
    }

    if (memcmp(head.data, s->provider->registration, head.len) != 0) {
        cigna_secret_wipe((uint8_t *) plain.data, plain.len);
        return CIGNA_VAULT_MOVED;
    }

    return (cigna_grant_parse(plain, g) == CIGNA_OK) ? CIGNA_OK
                                                     : CIGNA_SEAL_DAMAGED;
}


static cigna_record_t
cigna_vault_record(const cigna_subject_t *s, const char *type,
    cigna_slice_t name)
{
    return (cigna_record_t) { cigna_slice_str(type), s->provider->tenant, name,
                              0 };
}


static int
cigna_vault_grant_data(cigna_buf_t *b, const cigna_record_t *record,
    const cigna_grant_t *g, cigna_slice_t registration)
{
    cigna_buf_append_lp(b, record->type);
    cigna_buf_append_lp(b, record->name);
    cigna_buf_append_lp(b, g->id);
    cigna_buf_append_u64(b, g->generation);
    cigna_buf_append(b, registration);

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_vault_dance_key(const cigna_subject_t *s, cigna_slice_t state,
    cigna_slice_t *key, cigna_slice_t *name)
{
    cigna_buf_t  b;

    cigna_arena_open(s->arena, &b);
    (void) cigna_vault_append_dance_key(&b, s->vault, state);
    *key = cigna_arena_close(s->arena, &b);

    if (key->len == 0) {
        return CIGNA_ERROR;
    }

    /* the key ends with the name and "}" */

    *name = (cigna_slice_t) { key->data + key->len - 1 - CIGNA_NAME_LEN,
                              CIGNA_NAME_LEN };

    return CIGNA_OK;
}


int
cigna_vault_seal_dance(const cigna_subject_t *s, cigna_slice_t name,
    const cigna_dance_t *d, const uint8_t nonce[CIGNA_SEAL_NONCE_LEN],
    cigna_slice_t *blob)
{
    cigna_buf_t     b;
    cigna_slice_t   plain;
    cigna_record_t  record;

    *blob = cigna_slice_null;

    /*
     * a dance needs no associated data: tenant and Redis key give its
     * encryption key
     */

    record = cigna_vault_record(s, "dance", name);

    cigna_arena_open(s->arena, &b);
    cigna_dance_append(&b, d);
    plain = cigna_arena_close(s->arena, &b);

    if (plain.len > CIGNA_DANCE_PLAIN_MAX) {
        return CIGNA_ERROR;
    }

    return cigna_vault_seal(s, &record, cigna_slice_null, cigna_slice_null,
                            plain, nonce, blob);
}


int
cigna_vault_open_dance(const cigna_subject_t *s, cigna_slice_t name,
    cigna_slice_t blob, cigna_dance_t *d)
{
    int             rc;
    cigna_slice_t   plain;
    cigna_record_t  record;

    record = cigna_vault_record(s, "dance", name);

    rc = cigna_vault_open(s, &record, cigna_slice_null, blob, &plain);
    if (rc != CIGNA_OK) {
        return rc;
    }

    return (cigna_dance_parse(plain, d) == CIGNA_OK) ? CIGNA_OK
                                                     : CIGNA_SEAL_DAMAGED;
}


/*
 * seals "plain", which is in the arena, and then wipes it; "head" stands in
 * clear in front of the sealed bytes
 */

static int
cigna_vault_seal(const cigna_subject_t *s, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t head, cigna_slice_t plain,
    const uint8_t *nonce, cigna_slice_t *blob)
{
    int            rc;
    cigna_buf_t    b;
    cigna_slice_t  sealed;

    if (plain.len == 0) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(s->arena, &b);
    cigna_buf_append(&b, head);

    rc = cigna_seal(s->vault->ring, record, aad, plain, nonce, &b);

    sealed = cigna_arena_close(s->arena, &b);

    if (rc == CIGNA_OK) {
        *blob = sealed;
    }

    cigna_secret_wipe((uint8_t *) plain.data, plain.len);

    return rc;
}


static int
cigna_vault_open(const cigna_subject_t *s, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t sealed, cigna_slice_t *plain)
{
    int          rc;
    cigna_buf_t  b;

    cigna_arena_open(s->arena, &b);

    rc = cigna_seal_open(s->vault->ring, record, aad, sealed, &b);

    *plain = cigna_arena_close(s->arena, &b);

    return rc;
}


size_t
cigna_vault_read_args(const cigna_vault_names_t *id,
    cigna_slice_t argv[CIGNA_GRANT_READ_ARGC])
{
    argv[0] = cigna_slice("HMGET");
    argv[1] = id->grant_key;
    argv[2 + cigna_vault_id] = cigna_slice("i");
    argv[2 + cigna_vault_generation] = cigna_slice("g");
    argv[2 + cigna_vault_blob] = cigna_slice("b");
    argv[2 + cigna_vault_mark] = cigna_slice("m");
    argv[2 + cigna_vault_attempts] = cigna_slice("n");
    argv[2 + cigna_vault_refused] = cigna_slice("r");

    return CIGNA_GRANT_READ_ARGC;
}


int
cigna_vault_read_head(const cigna_reply_t *reply, cigna_grant_t *g,
    cigna_slice_t *blob)
{
    int            rc;
    cigna_slice_t  fields[cigna_vault_fields];

    rc = cigna_vault_read_reply(reply, fields);
    if (rc != CIGNA_OK) {
        return rc;
    }

    *blob = fields[cigna_vault_blob];

    return cigna_vault_read_id(fields, g);
}


/* reads grant id and generation; g then borrows from the reply */

static int
cigna_vault_read_id(const cigna_slice_t fields[cigna_vault_fields],
    cigna_grant_t *g)
{
    g->id = fields[cigna_vault_id];

    if (g->id.len != CIGNA_GRANT_ID_LEN
        || cigna_slice_uint(fields[cigna_vault_generation], INT64_MAX,
                            &g->generation)
           != CIGNA_OK)
    {
        return CIGNA_SEAL_DAMAGED;
    }

    return CIGNA_OK;
}


int
cigna_vault_read_grant(const cigna_subject_t *s, const cigna_reply_t *reply,
    cigna_grant_t *g, cigna_vault_mark_t *mark)
{
    int                 rc;
    cigna_slice_t       fields[cigna_vault_fields];
    cigna_vault_mark_t  unused;

    rc = cigna_vault_read_reply(reply, fields);
    if (rc != CIGNA_OK) {
        return rc;
    }

    if (cigna_vault_read_id(fields, g) != CIGNA_OK
        || cigna_vault_read_mark(fields, g->generation, mark ? mark : &unused)
           != CIGNA_OK)
    {
        return CIGNA_SEAL_DAMAGED;
    }

    if (cigna_arena_copy(s->arena, fields[cigna_vault_id], &g->id)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_vault_open_grant(s, fields[cigna_vault_blob], g);
}


int
cigna_vault_read_marked(const cigna_reply_t *reply)
{
    return cigna_reply_slice(cigna_reply_item(reply, cigna_vault_mark)).len
           != 0;
}


/*
 * Missing fields become empty slices.  CIGNA_AGAIN: the reply does not have the
 * form of a record.  CIGNA_NONE: all fields are missing.  A record with a mark
 * and without a grant is damaged: no script writes such a record.
 */

static int
cigna_vault_read_reply(const cigna_reply_t *reply,
    cigna_slice_t fields[cigna_vault_fields])
{
    unsigned              i, present;
    cigna_reply_e         type;
    const cigna_reply_t  *item;

    if (cigna_reply_type(reply) != cigna_reply_array
        || cigna_reply_count(reply) != cigna_vault_fields)
    {
        return CIGNA_AGAIN;
    }

    present = 0;

    for (i = 0; i < cigna_vault_fields; i++) {

        item = cigna_reply_item(reply, i);
        type = cigna_reply_type(item);

        if (type != cigna_reply_string && type != cigna_reply_nil) {
            return CIGNA_AGAIN;
        }

        if (type == cigna_reply_string) {
            present |= 1u << i;
        }

        fields[i] = cigna_reply_slice(item);
    }

    if (present == 0) {
        return CIGNA_NONE;
    }

    return ((present & CIGNA_VAULT_RECORD) == CIGNA_VAULT_RECORD)
           ? CIGNA_OK : CIGNA_SEAL_DAMAGED;
}


static int
cigna_vault_read_mark(const cigna_slice_t fields[cigna_vault_fields],
    uint64_t generation, cigna_vault_mark_t *mark)
{
    uint64_t  until, attempts, refused;

    if (cigna_vault_read_number(fields[cigna_vault_mark], INT64_MAX, &until)
        != CIGNA_OK
        || cigna_vault_read_number(fields[cigna_vault_attempts], UINT_MAX,
                                   &attempts)
           != CIGNA_OK
        || cigna_vault_read_refused(fields[cigna_vault_refused], generation,
                                    &refused)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    mark->until_ms = (int64_t) until;
    mark->attempts = (unsigned) attempts;
    mark->refused_ms = attempts ? (int64_t) refused : 0;

    return CIGNA_OK;
}


/*
 * Reads the field "r", which is "GENERATION MS".  A node of version 0.4.0 does
 * not know the field and does not remove it.  So the field counts only for its
 * own generation.
 */

static int
cigna_vault_read_refused(cigna_slice_t text, uint64_t generation,
    uint64_t *refused)
{
    uint64_t  of;

    *refused = 0;

    if (text.len == 0) {
        return CIGNA_OK;
    }

    if (cigna_slice_uint(cigna_slice_cut(&text, ' '), INT64_MAX, &of)
        != CIGNA_OK
        || cigna_slice_uint(text, INT64_MAX, refused) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    if (of != generation) {
        *refused = 0;
    }

    return CIGNA_OK;
}


/* reads a field that is a number; a missing field is 0 */

static int
cigna_vault_read_number(cigna_slice_t text, uint64_t max, uint64_t *n)
{
    *n = 0;

    return text.len ? cigna_slice_uint(text, max, n) : CIGNA_OK;
}
