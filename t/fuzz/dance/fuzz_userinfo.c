
#define _GNU_SOURCE

#include "scene.h"

#include "dance/cigna_userinfo.h"


/*
 * Several runs ask for the identifier while the grant is refreshed, deleted and
 * replaced, and the FHIR server answers anything.  The first byte chooses
 * whether the rest of the input is the server's reply or a scene.  The numbers
 * in this file are those of the invariants of cigna_userinfo.c.
 */


static scene_t   scene;
static unsigned  asked[SCENE_ACTORS];

/* the id of the grant about which each actor asks */

static char      ids[SCENE_ACTORS][CIGNA_GRANT_ID_LEN + 1];


/* the member's record in Redis just before a step */

static struct {
    uint64_t       generation;
    char           id[CIGNA_GRANT_ID_LEN + 1];
    char           token[64];
    char           userinfo[64];
} before;


static void
copy(char *to, size_t size, cigna_slice_t s)
{
    (void) snprintf(to, size, "%.*s", (int) s.len, s.data);
}


static void
look(void)
{
    cigna_grant_t   g;
    cigna_arena_t   arena;
    static uint8_t  mem[16 * 1024];

    cigna_arena_init(&arena, mem, sizeof(mem));
    memset(&before, 0, sizeof(before));

    if (world_grant(&scene.w, &arena, &g) == CIGNA_OK) {
        before.generation = g.generation;
        copy(before.id, sizeof(before.id), g.id);
        copy(before.token, sizeof(before.token), g.access_token);
        copy(before.userinfo, sizeof(before.userinfo), g.userinfo);
    }
}


/*
 * invariants (2) and (3) of cigna_userinfo.c: the effect of an actor's last
 * step on the record
 */

static void
check_written(unsigned n)
{
    char      id[sizeof(before.id)], token[sizeof(before.token)], of[16];
    uint64_t  generation;
    int       learned;

    copy(id, sizeof(id), cigna_slice_str(before.id));
    copy(token, sizeof(token), cigna_slice_str(before.token));
    generation = before.generation;
    learned = before.userinfo[0] != '\0';

    look();

    fuzz_assert(before.generation == generation);
    fuzz_assert(strcmp(before.id, id) == 0);
    fuzz_assert(strcmp(before.token, token) == 0);

    if (!learned && before.userinfo[0]) {
        fuzz_assert(strcmp(before.id, ids[n]) == 0);
        world_userinfo_of(cigna_slice_str(token), of, sizeof(of));
        fuzz_assert(strcmp(before.userinfo, of) == 0);
    }
}


static void
check(scene_t *s, world_actor_t *a)
{
    unsigned           n;
    cigna_userinfo_t  *f;

    n = (unsigned) (a - s->actors);
    f = &a->flow.userinfo;

    fuzz_assert(strstr(f->detail, WORLD_MARKER) == NULL);

    check_written(n);

    /*
     * invariant (1) of cigna_userinfo.c; world_http() also checks the token's
     * grant
     */

    if (!a->done && a->op.type == cigna_op_http) {
        fuzz_assert(a->op.http.fhir
                    && a->op.http.timeout_ms == CIGNA_USERINFO_MS);
        fuzz_assert(cigna_slice_eq(f->grant.id, cigna_slice_str(ids[n])));
        fuzz_assert(f->grant.expires_ms > s->w.now_ms);
        fuzz_assert(++asked[n] == 1);
    }

    if (a->done) {
        fuzz_assert(f->rc != cigna_userinfo_pending);
        fuzz_assert(f->rc != cigna_userinfo_known || f->value.len);
    }
}


static void
begin(unsigned n)
{
    look();
    copy(ids[n], sizeof(ids[n]),
         cigna_slice_str(before.id[0] ? before.id : "of nobody"));
    asked[n] = 0;

    scene.actors[n].watch = NULL;
    world_userinfo(&scene.w, &scene.actors[n], cigna_slice_str(ids[n]));
}


static void
elsewhere(uint8_t c)
{
    unsigned       n;
    world_actor_t  a;

    n = (c & 7) % scene.nactors;

    switch (c >> 5) {

    case 3:
        scene.w.now_ms += 3500 * 1000;
        a.watch = NULL;
        world_refresh(&scene.w, &a);
        world_run(&scene.w, &a);
        world_end(&a);
        break;

    case 4:
        if (scene.w.auth.nfamilies < WORLD_FAMILIES) {
            world_connected(&scene.w);
        }

        break;

    case 5:
        world_delete(&scene.w.redis, scene.w.identity.grant_key);
        break;

    case 6:
        scene.w.auth.userinfo_status = c & 1 ? 0 : 200 + (c & 15) * 20;
        (void) snprintf(scene.w.auth.userinfo_body,
                        sizeof(scene.w.auth.userinfo_body),
                        "<html>");
        break;

    case 7:
        if (scene.actors[n].done) {
            world_end(&scene.actors[n]);
            begin(n);
        }

        break;
    }

    look();
}


static void
parse(cigna_slice_t body)
{
    cigna_arena_t   arena;
    cigna_slice_t   value;
    static uint8_t  mem[2 * CIGNA_USERINFO_MAX];

    cigna_arena_init(&arena, mem, sizeof(mem));

    if (cigna_userinfo_parse(body, &arena, &value) == CIGNA_OK) {
        fuzz_assert(value.len > 0 && value.len <= CIGNA_USERINFO_MAX);
        fuzz_assert(memchr(value.data, '\0', value.len) == NULL);

    } else {
        fuzz_assert(value.len == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned  i;
    uint8_t   c;

    scene.input = fuzz_input(data, size);
    c = fuzz_byte(&scene.input);

    if (c & 1) {
        parse(scene.input);
        return 0;
    }

    world_init(&scene.w);
    world_connected(&scene.w);

    scene.nactors = 1 + (c >> 1) % SCENE_ACTORS;
    scene.check = check;

    for (i = 0; i < scene.nactors; i++) {
        begin(i);
    }

    while (scene.input.len) {
        elsewhere(scene_next(&scene));
    }

    scene_finish(&scene);
    scene_end(&scene);

    return 0;
}
