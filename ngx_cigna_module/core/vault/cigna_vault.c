
#include <limits.h>
#include <string.h>

#include "cigna_vault.h"


/* issuer, client id and fhir_base together */
#define CIGNA_VAULT_TEXT_MAX   8192
#define CIGNA_VAULT_AAD_MAX    512


/* the elements of a read's reply */

typedef enum {
    cigna_vault_id = 0,
    cigna_vault_generation,
    cigna_vault_blob,
    cigna_vault_mark,
    cigna_vault_attempts,
    cigna_vault_refused,
    cigna_vault_fields
} cigna_vault_field_e;


/* as bits, the elements that each grant has */
#define CIGNA_VAULT_RECORD                                                    \
    (1u << cigna_vault_id | 1u << cigna_vault_generation                      \
     | 1u << cigna_vault_blob)


static int cigna_vault_registration(const cigna_provider_t *p,
    uint8_t digest[CIGNA_REGISTRATION_LEN]);
static cigna_record_t cigna_vault_grant_record(const cigna_subject_t *s);
static int cigna_vault_grant_data(cigna_buf_t *b,
    const cigna_record_t *record, const cigna_grant_t *g,
    const uint8_t registration[CIGNA_REGISTRATION_LEN]);
static cigna_record_t cigna_vault_dance_record(const cigna_subject_t *s,
    cigna_slice_t name);
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
    p->has_registration = 0;

    if (cigna_vault_registration(p, p->registration) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    p->has_registration = 1;

    return CIGNA_OK;
}


static int
cigna_vault_registration(const cigna_provider_t *p,
    uint8_t digest[CIGNA_REGISTRATION_LEN])
{
    uint8_t      mem[CIGNA_VAULT_TEXT_MAX];
    cigna_buf_t  b;

    if (p->has_registration) {
        memcpy(digest, p->registration, CIGNA_REGISTRATION_LEN);
        return CIGNA_OK;
    }

    cigna_buf_init(&b, mem, sizeof(mem));

    cigna_buf_append_lp(&b, p->configured_issuer);
    cigna_buf_append_lp(&b, p->client_id);
    cigna_buf_append_lp(&b, p->fhir_base);

    if (b.overflow) {
        return CIGNA_ERROR;
    }

    return cigna_secret_sha256(cigna_buf_slice(&b), digest);
}


int
cigna_vault_seal_grant(const cigna_subject_t *s, const cigna_grant_t *g,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_slice_t *blob)
{
    uint8_t         mem[CIGNA_VAULT_AAD_MAX];
    uint8_t         registration[CIGNA_REGISTRATION_LEN];
    cigna_buf_t     b, aad;
    cigna_slice_t   plain, head;
    cigna_record_t  record;

    *blob = cigna_slice_null;

    record = cigna_vault_grant_record(s);
    cigna_buf_init(&aad, mem, sizeof(mem));

    if (cigna_vault_registration(s->provider, registration) != CIGNA_OK
        || cigna_vault_grant_data(&aad, &record, g, registration) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    cigna_arena_open(s->arena, &b);
    cigna_grant_append(&b, g);
    plain = cigna_arena_close(s->arena, &b);

    if (plain.len > CIGNA_GRANT_PLAIN_MAX) {
        return CIGNA_ERROR;
    }

    head = cigna_slice_make(registration,
                            registration + CIGNA_REGISTRATION_LEN);

    return cigna_vault_seal(s, &record, cigna_buf_slice(&aad), head, plain,
                            nonce, blob);
}


int
cigna_vault_open_grant(const cigna_subject_t *s, cigna_slice_t blob,
    cigna_grant_t *g)
{
    int             rc;
    uint8_t         mem[CIGNA_VAULT_AAD_MAX];
    uint8_t         registration[CIGNA_REGISTRATION_LEN];
    cigna_buf_t     aad;
    cigna_slice_t   sealed, plain;
    cigna_record_t  record;

    if (blob.len < CIGNA_REGISTRATION_LEN) {
        return CIGNA_SEAL_DAMAGED;
    }

    sealed = cigna_slice_make(blob.data + CIGNA_REGISTRATION_LEN,
                              blob.data + blob.len);

    /* the record is bound to the registration that it names in clear */

    record = cigna_vault_grant_record(s);
    cigna_buf_init(&aad, mem, sizeof(mem));

    if (cigna_vault_registration(s->provider, registration) != CIGNA_OK
        || cigna_vault_grant_data(&aad, &record, g, blob.data) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    rc = cigna_vault_open(s, &record, cigna_buf_slice(&aad), sealed, &plain);
    if (rc != CIGNA_OK) {
        return rc;
    }

    if (memcmp(blob.data, registration, CIGNA_REGISTRATION_LEN) != 0) {
        cigna_secret_wipe((uint8_t *) plain.data, plain.len);
        return CIGNA_VAULT_MOVED;
    }

    return (cigna_grant_parse(plain, g) == CIGNA_OK) ? CIGNA_OK
                                                     : CIGNA_SEAL_DAMAGED;
}


static cigna_record_t
cigna_vault_grant_record(const cigna_subject_t *s)
{
    return (cigna_record_t) { cigna_slice("grant"), s->provider->tenant,
                              s->identity->grant_key };
}


static int
cigna_vault_grant_data(cigna_buf_t *b, const cigna_record_t *record,
    const cigna_grant_t *g, const uint8_t registration[CIGNA_REGISTRATION_LEN])
{
    cigna_buf_append_lp(b, record->type);
    cigna_buf_append_lp(b, record->name);
    cigna_buf_append_lp(b, g->id);
    cigna_buf_append_u64(b, g->generation);
    cigna_buf_append(b, cigna_slice_make(registration,
                                    registration + CIGNA_REGISTRATION_LEN));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_vault_dance_key(const cigna_subject_t *s, cigna_slice_t state,
    cigna_slice_t *key)
{
    int          rc;
    cigna_buf_t  b;

    cigna_arena_open(s->arena, &b);
    rc = cigna_vault_append_dance_key(&b, s->vault, state);
    *key = cigna_arena_close(s->arena, &b);

    return key->len == 0 ? CIGNA_ERROR : rc;
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

    record = cigna_vault_dance_record(s, name);

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

    record = cigna_vault_dance_record(s, name);

    rc = cigna_vault_open(s, &record, cigna_slice_null, blob, &plain);
    if (rc != CIGNA_OK) {
        return rc;
    }

    return (cigna_dance_parse(plain, d) == CIGNA_OK) ? CIGNA_OK
                                                     : CIGNA_SEAL_DAMAGED;
}


/* its key binds a dance to all that it has to be bound to */

static cigna_record_t
cigna_vault_dance_record(const cigna_subject_t *s, cigna_slice_t name)
{
    return (cigna_record_t) { cigna_slice("dance"), s->provider->tenant, name };
}


/* wipes "plain", which lies in the arena; "head" is put in front in clear */

static int
cigna_vault_seal(const cigna_subject_t *s, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t head, cigna_slice_t plain,
    const uint8_t *nonce, cigna_slice_t *blob)
{
    int          rc;
    cigna_buf_t  b;

    if (plain.len == 0) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(s->arena, &b);
    cigna_buf_append(&b, head);

    rc = cigna_seal(s->vault->ring, record, aad, plain, nonce, &b);

    if (rc == CIGNA_OK) {
        *blob = cigna_arena_close(s->arena, &b);

    } else {
        (void) cigna_arena_close(s->arena, &b);
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


/* grant id and generation, borrowed */

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
 * Missing fields become empty slices.  "None" means that all fields are
 * missing, as no script leaves a mark without a grant.
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
 * "GENERATION MS".  Version 0.4.0 does not know this field, so it may be that
 * of an older generation, or of attempts that 0.4.0 has settled.
 */

static int
cigna_vault_read_refused(cigna_slice_t text, uint64_t generation,
    uint64_t *refused)
{
    uint64_t        of;
    cigna_slice_t   ms;
    const uint8_t  *space;

    *refused = 0;

    if (text.len == 0) {
        return CIGNA_OK;
    }

    space = memchr(text.data, ' ', text.len);
    if (space == NULL) {
        return CIGNA_ERROR;
    }

    ms = cigna_slice_make(space + 1, text.data + text.len);

    if (cigna_slice_uint(cigna_slice_make(text.data, space), INT64_MAX, &of)
        != CIGNA_OK
        || cigna_slice_uint(ms, INT64_MAX, refused) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    if (of != generation) {
        *refused = 0;
    }

    return CIGNA_OK;
}


/* a missing field is 0 */

static int
cigna_vault_read_number(cigna_slice_t text, uint64_t max, uint64_t *n)
{
    *n = 0;

    return text.len ? cigna_slice_uint(text, max, n) : CIGNA_OK;
}
