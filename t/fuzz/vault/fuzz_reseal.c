
#include "fuzz.h"
#include "rings.h"
#include "world.h"

#include "vault/cigna_reseal.h"


/*
 * Gateways with different rings seal a grant again, while it is refreshed,
 * damaged, and deleted: it never becomes another one, and nothing is lost but
 * what was deleted.  A byte an action.
 */


static const char  *rings[] = {
    NAME SEAL, NAME SEAL OTHER, NAME OTHER SEAL, NAME OTHER
};

#define RINGS    4
#define BYTES    512
#define ACTIONS  64


static world_t        w;
static cigna_vault_t  vaults[RINGS];
static uint8_t        mem[64 * 1024];


typedef struct {
    uint8_t   data[BYTES];
    size_t    len;
} bytes_t;


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    unsigned  i;

    (void) argc;
    (void) argv;

    for (i = 0; i < RINGS; i++) {
        vaults[i].prefix = cigna_slice("cigna");
        vaults[i].ring = ring_of(rings[i]);
    }

    return 0;
}


/* a field of the grant as it is now, with a zero behind; or none: empty */

static bytes_t
field(const char *name)
{
    bytes_t               b;
    const world_field_t  *f;

    memset(&b, 0, sizeof(bytes_t));
    f = world_get(&w, w.identity.grant_key, name);

    if (f) {
        fuzz_assert(f->len < BYTES);
        b.len = f->len;
        memcpy(b.data, f->data, f->len);
    }

    return b;
}


static int
equal(const bytes_t *a, const bytes_t *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


/* the access token; empty if the ring cannot open the grant */

static bytes_t
opened(const cigna_vault_t *vault)
{
    bytes_t          b, id, blob;
    cigna_arena_t    arena;
    cigna_grant_t    g;
    cigna_subject_t  s;
    static uint8_t   room[16 * 1024];

    b.len = 0;
    id = field("i");
    blob = field("b");
    cigna_arena_init(&arena, room, sizeof(room));

    memset(&g, 0, sizeof(g));
    g.id = cigna_slice_make(id.data, id.data + id.len);
    g.generation = strtoull((const char *) field("g").data, NULL, 10);

    s = world_subject(&w, &arena);
    s.vault = vault;

    if (blob.len
        && cigna_vault_open_grant(&s, cigna_slice_make(blob.data,
                                                       blob.data + blob.len),
                                  &g)
           == CIGNA_OK)
    {
        b.len = g.access_token.len;
        memcpy(b.data, g.access_token.data, b.len);
    }

    return b;
}


static void
reseal(const cigna_vault_t *vault, unsigned fault)
{
    bytes_t          blob, token, now;
    unsigned         n;
    cigna_op_t       op;
    cigna_event_t    ev;
    cigna_arena_t    arena;
    cigna_reply_t   *reply;
    cigna_reseal_t   f;
    cigna_subject_t  s;

    cigna_arena_init(&arena, mem, sizeof(mem));
    s = world_subject(&w, &arena);
    s.vault = vault;

    f = (cigna_reseal_t) { .subject = &s };
    cigna_reseal_init(&f);

    blob = field("b");
    token = opened(vault);

    memset(&ev, 0, sizeof(ev));
    reply = NULL;

    for (n = 0; /* void */ ; n++) {
        memset(&op, 0xa5, sizeof(op));
        cigna_reseal_next(&f, &ev, &op);
        cigna_reply_destroy(reply);
        reply = NULL;

        if (op.type == cigna_op_done) {
            break;
        }

        /* (3) */

        fuzz_assert(n < 2);
        fuzz_assert(op.type == (n ? cigna_op_script : cigna_op_redis));
        fuzz_assert(n == 0
                    || op.redis.script
                       == cigna_script(cigna_script_grant_reseal));

        ev.type = fault == n + 1 ? cigna_ev_unsent : cigna_ev_ok;

        if (ev.type == cigna_ev_ok || fault & 4) {
            reply = world_redis(&w, &op);
        }

        ev.reply = ev.type == cigna_ev_ok ? reply : NULL;
    }

    now = field("b");

    /* (1) */

    fuzz_assert(equal(&now, &blob)
                || f.rc == cigna_reseal_ok
                || f.rc == cigna_reseal_unavailable);

    /* (2) */

    if (!equal(&now, &blob)) {
        fuzz_assert(token.len);
        now = opened(vault);
        fuzz_assert(equal(&now, &token));
        now = field("b");
        fuzz_assert(cigna_vault_current(vault,
                                  cigna_slice_make(now.data,
                                                   now.data + now.len)));
    }
}


static void
damage(uint8_t at)
{
    char                  text[BYTES + 1];
    bytes_t               g;
    world_field_t        *f;
    const world_field_t  *there;

    there = world_get(&w, w.identity.grant_key, "b");

    if (there && there->len > at) {
        f = (world_field_t *) there;
        f->data[at] ^= 1;
    }

    if (at == 255) {
        g = field("g");
        memcpy(text, g.data, g.len);
        text[g.len] = '\0';
        world_set(&w, w.identity.grant_key, "g", g.len ? "9" : NULL);
    }
}


static void
refresh(const cigna_vault_t *vault)
{
    cigna_vault_t  was;
    world_actor_t  a;

    was = w.vault;
    w.vault = *vault;
    w.now_ms += 3600 * 1000;

    a.watch = NULL;
    world_refresh(&w, &a);
    world_run(&w, &a);
    world_end(&a);

    w.vault = was;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t         c;
    unsigned        n;
    cigna_slice_t   input;
    cigna_vault_t  *vault;

    input = fuzz_input(data, size);

    world_init(&w);
    world_connected(&w);

    for (n = 0; input.len && n < ACTIONS; n++) {
        c = fuzz_byte(&input);
        vault = &vaults[c & 3];

        switch (c >> 5) {

        case 0:
            refresh(vault);
            break;

        case 1:
            damage(fuzz_byte(&input));
            break;

        default:
            reseal(vault, c >> 2 & 7);
            break;
        }
    }

    world_done(&w);

    return 0;
}
