
/*
 * The states of the flow:
 *
 *   start --> fetch --> done
 *
 * Invariants, checked by t/fuzz/provider/fuzz_metadata_fetch.c:
 *
 *   (1) the flow sends one request, which is charged to a budget;
 *   (2) the result is "kept" only for a reply with status 200 and JSON, without
 *       a content coding.  The text then has the same JSON values as the reply,
 *       except for endpoints and links.
 */


#include "cigna_metadata_fetch.h"
#include "http/cigna_gate_in.h"


static void cigna_metadata_fetch_read(cigna_metadata_fetch_t *f,
    const cigna_event_t *ev);
static const char *cigna_metadata_fetch_make(cigna_metadata_fetch_t *f,
    cigna_slice_t body);
static int cigna_metadata_fetch_json(cigna_slice_t type);
static unsigned cigna_metadata_fetch_fresh(const cigna_event_t *ev,
    int64_t max_age_s);
static void cigna_metadata_fetch_say(cigna_metadata_fetch_t *f,
    const char *text);


cigna_slice_t
cigna_metadata_fetch_url(cigna_arena_t *arena, const cigna_provider_t *p,
    cigna_public_metadata_e document)
{
    cigna_buf_t  b;

    if (p->fhir_base.len == 0) {
        return cigna_slice_null;
    }

    cigna_arena_open(arena, &b);
    cigna_buf_append(&b, p->fhir_base);
    cigna_buf_append(&b, cigna_public_metadata_path(document));

    return cigna_arena_close(arena, &b);
}


void
cigna_metadata_fetch_init(cigna_metadata_fetch_t *f)
{
    f->rc = cigna_metadata_fetch_away;
    f->text = cigna_slice_null;
    f->fresh_s = 0;
    f->detail[0] = '\0';
    f->asked = 0;
}


void
cigna_metadata_fetch_next(cigna_metadata_fetch_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_http_request_t  req = { .url = f->url, .lines = f->lines };

    if (f->asked) {
        cigna_metadata_fetch_read(f, ev);
        cigna_flow_done(op);
        return;
    }

    f->asked = 1;

    if (f->document == cigna_public_metadata_capabilities) {
        req.accept = cigna_slice("application/fhir+json");
    }

    cigna_flow_http(op, &req);
    op->http.fhir = 1;
}


static void
cigna_metadata_fetch_read(cigna_metadata_fetch_t *f, const cigna_event_t *ev)
{
    const char  *error;

    f->rc = cigna_metadata_fetch_passed;

    if (ev->type != cigna_ev_ok && f->reply && f->reply->too_large) {
        cigna_metadata_fetch_say(f, "is longer than 4 MiB");

    } else if (ev->type != cigna_ev_ok) {
        f->rc = cigna_metadata_fetch_away;
        cigna_metadata_fetch_say(f, "no reply");

    } else if (ev->status != 200) {
        cigna_flow_say_uint(f->detail, sizeof(f->detail),
                            "is answered with status", ev->status);

        if (cigna_flow_passing(ev)) {
            f->rc = cigna_metadata_fetch_away;
        }

    } else if (f->reply->encoded) {
        cigna_metadata_fetch_say(f, "is compressed");

    } else if (!cigna_metadata_fetch_json(f->reply->content_type)) {
        cigna_flow_detail(f, "is not JSON but",
                       f->reply->content_type);

    } else {
        error = cigna_metadata_fetch_make(f, ev->body);
        cigna_metadata_fetch_say(f, error);

        if (error == NULL) {
            f->rc = cigna_metadata_fetch_kept;
            f->fresh_s = cigna_metadata_fetch_fresh(ev, f->reply->max_age_s);
        }
    }
}


/* makes the text to be served; returns NULL, or the reason of a failure */

static const char *
cigna_metadata_fetch_make(cigna_metadata_fetch_t *f, cigna_slice_t body)
{
    cigna_buf_t  b;
    const char  *error;

    error = NULL;

    cigna_arena_open(f->arena, &b);
    (void) cigna_public_metadata_write(f->document, body, f->endpoints, f->n,
                                       &b, &error);
    f->text = cigna_arena_close(f->arena, &b);

    if (error == NULL && f->bases) {
        cigna_arena_open(f->arena, &b);
        (void) cigna_public_metadata_links(f->text, f->bases, &b, &error);
        f->text = cigna_arena_close(f->arena, &b);
    }

    if (error) {
        f->text = cigna_slice_null;
    }

    return error;
}


/*
 * 1 if a reply of this type may be JSON; without a type, or with text/plain,
 * the body decides
 */

static int
cigna_metadata_fetch_json(cigna_slice_t type)
{
    return type.len == 0 || cigna_gate_in_json(type)
           || cigna_slice_eq_case(cigna_slice_trim(cigna_slice_cut(&type, ';')),
                                  cigna_slice("text/plain"));
}


/*
 * Returns for how many seconds a document is fresh.  A part of that time is
 * random, so that not all nodes of a fleet fetch at the same time.
 */

static unsigned
cigna_metadata_fetch_fresh(const cigna_event_t *ev, int64_t max_age_s)
{
    unsigned  s;

    s = CIGNA_METADATA_FETCH_FRESH;

    if (max_age_s != -1) {
        s = max_age_s < CIGNA_METADATA_FETCH_FRESH_MAX
            ? (unsigned) max_age_s : CIGNA_METADATA_FETCH_FRESH_MAX;
    }

    if (s < CIGNA_METADATA_FETCH_FRESH_MIN) {
        s = CIGNA_METADATA_FETCH_FRESH_MIN;
    }

    return cigna_flow_jitter(ev, s - s / 10, s);
}


static void
cigna_metadata_fetch_say(cigna_metadata_fetch_t *f, const char *text)
{
    cigna_flow_detail(f, text, cigna_slice_null);
}
