
#include "fuzz.h"
#include "rings.h"

#include "vault/cigna_vault.h"


/*
 * Redis' reply to the command that reads a grant.  Only a reply in which id,
 * generation and blob are absent may give CIGNA_NONE, after which the member
 * has to connect again.
 */

#define MEM  (128 * 1024)

static uint8_t              mem[MEM], blob_mem[MEM];
static cigna_vault_t        vault;
static cigna_provider_t     provider;
static cigna_vault_names_t  member;
static cigna_slice_t        blob;

static const uint8_t     nonce[CIGNA_SEAL_NONCE_LEN] = { 1, 2, 3 };


#define ID  "AAAAAAAAAAAAAAAAAAAAAA"


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    cigna_arena_t    arena;
    cigna_grant_t    g = { .id = cigna_slice(ID), .generation = 7,
                           .access_token = cigna_slice("MARKER") };
    cigna_subject_t  subject = { &vault, &provider, &member, &arena };

    (void) argc;
    (void) argv;

    vault.prefix = cigna_slice("cigna");
    vault.ring = ring_of(NAME SEAL);

    fuzz_assert(cigna_vault_names_init(&member, &vault, cigna_slice("acme"),
                                       cigna_slice("jo"))
                == CIGNA_OK);

    cigna_arena_init(&arena, blob_mem, MEM);
    fuzz_assert(cigna_vault_seal_grant(&subject, &g, nonce, &blob)
                == CIGNA_OK);

    return 0;
}


/* 1 if the reply says that there is no id, no generation and no blob */

static int
no_grant(const cigna_reply_t *reply)
{
    size_t  i;

    for (i = 0; i < 3; i++) {
        if (cigna_reply_type(cigna_reply_item(reply, i)) != cigna_reply_nil) {
            return 0;
        }
    }

    return cigna_reply_count(reply) == 6;
}


static void
read_grant(const cigna_reply_t *reply)
{
    int                 rc;
    cigna_arena_t       arena;
    cigna_grant_t       g;
    cigna_subject_t     subject = { &vault, &provider, &member, &arena };
    cigna_vault_mark_t  mark;

    memset(&g, 0, sizeof(cigna_grant_t));
    cigna_arena_init(&arena, mem, MEM);

    rc = cigna_vault_read_grant(&subject, reply, &g, &mark);

    if (rc == CIGNA_NONE) {
        fuzz_assert(no_grant(reply));
    }

    if (rc == CIGNA_OK) {
        fuzz_assert(cigna_slice_eq(g.id, cigna_slice(ID)));
        fuzz_assert(g.generation == 7 && mark.until_ms >= 0);
        fuzz_assert(cigna_slice_eq(g.access_token, cigna_slice("MARKER")));

    } else {
        fuzz_assert(g.access_token.len == 0);
    }
}


/*
 * Allocates a good reply in which pieces of the input replace some fields.  The
 * input's first byte chooses the fields.
 */

static cigna_slice_t
composed(cigna_slice_t input)
{
    size_t         i, len;
    uint8_t        chosen, *text;
    cigna_slice_t  fields[] = { cigna_slice(ID), cigna_slice("7"), blob,
                                cigna_slice("1700000000000"),
                                cigna_slice("1") };

    chosen = fuzz_byte(&input);

    for (i = 0; i < 5; i++) {
        if (chosen & 1 << i) {
            fields[i] = cigna_slice_cut(&input, '\n');
        }
    }

    fuzz_assert(cigna_redis_format(fields, 5, &text, &len) == CIGNA_OK);

    return cigna_slice_make(text, text + len);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned         chosen;
    cigna_slice_t    input;
    cigna_reply_t   *reply;
    cigna_reader_t  *r;

    if (size > 4096) {
        return 0;
    }

    input = fuzz_input(data, size);

    chosen = fuzz_byte(&input) & 1;

    if (chosen) {
        input = composed(input);
    }

    r = cigna_reader_create();
    fuzz_assert(r && cigna_reader_feed(r, input) == CIGNA_OK);

    if (chosen) {
        cigna_redis_free((uint8_t *) (uintptr_t) input.data, input.len);
    }

    if (cigna_reader_next(r, &reply) == CIGNA_OK) {
        read_grant(reply);
    }

    cigna_reply_destroy(reply);
    cigna_reader_destroy(r);

    return 0;
}
