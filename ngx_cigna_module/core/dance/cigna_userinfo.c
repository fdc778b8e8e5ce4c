
/*
 * The member's identifier from $userinfo.  The flow asks for it once, with the
 * grant's access token, and keeps it in the grant's record.
 *
 *   start --> read --> ask --> set --> over
 *              ^ |              ^ |
 *              | +--------------+ |
 *              +------------------+ the record has changed since "read"
 *
 * After a change the flow knows the identifier, and does not ask again.  Any
 * other failure leads to "over".
 *
 * Generation and tokens stay as they are, so a refresh at the same time loses
 * no tokens.  If the refresh writes after this flow, the identifier is lost.
 * If it writes before, this flow reads the new record and tries again.  The
 * next refresh asks for a missing identifier again.
 *
 * Invariants, checked by t/fuzz/dance/fuzz_userinfo.c:
 *
 *   (1) there is at most one request, to fhir_base, with the access token that
 *       Redis has for this grant;
 *   (2) the flow replaces a record only if it has not changed since the read,
 *       and changes nothing but the identifier in it;
 *   (3) only the grant whose token was used gets the identifier.
 */


#include <string.h>

#include "json/cigna_json.h"
#include "cigna_userinfo.h"


#define CIGNA_USERINFO_PATH    "/$userinfo"
#define CIGNA_USERINFO_ROUNDS  3           /* most reads of the record */


typedef enum {
    cigna_userinfo_st_start = 0,
    cigna_userinfo_st_read,
    cigna_userinfo_st_ask,
    cigna_userinfo_st_set,
    cigna_userinfo_st_over
} cigna_userinfo_state_e;


static int cigna_userinfo_read(cigna_userinfo_t *f, cigna_op_t *op);
static int cigna_userinfo_judge(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static cigna_userinfo_e cigna_userinfo_record(cigna_userinfo_t *f,
    const cigna_event_t *ev);
static int cigna_userinfo_ask(cigna_userinfo_t *f, cigna_op_t *op);
static int cigna_userinfo_told(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_userinfo_set(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_userinfo_over(cigna_userinfo_t *f, cigna_userinfo_e rc);


int
cigna_userinfo_next(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_userinfo_state_e) f->state) {

    case cigna_userinfo_st_start:

        return cigna_userinfo_read(f, op);

    case cigna_userinfo_st_read:

        return cigna_userinfo_judge(f, ev, op);

    case cigna_userinfo_st_ask:

        return cigna_userinfo_told(f, ev, op);

    case cigna_userinfo_st_set:

        if (cigna_script_said(ev, "ok")) {
            return cigna_userinfo_over(f, cigna_userinfo_known);
        }

        if (cigna_script_said(ev, "stale")
            && f->rounds < CIGNA_USERINFO_ROUNDS)
        {
            return cigna_userinfo_read(f, op);
        }

        return cigna_userinfo_over(f, cigna_userinfo_unstored);

    case cigna_userinfo_st_over:
        break;
    }

    return cigna_userinfo_over(f, f->rc);
}


void
cigna_userinfo_flow(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    if (cigna_userinfo_next(flow, ev, op) != CIGNA_AGAIN) {
        cigna_flow_done(op);
    }
}


static int
cigna_userinfo_read(cigna_userinfo_t *f, cigna_op_t *op)
{
    f->rounds++;
    f->state = cigna_userinfo_st_read;
    cigna_script_read(op, f->subject->identity);

    return CIGNA_AGAIN;
}


static int
cigna_userinfo_judge(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_userinfo_e  rc;

    rc = cigna_userinfo_record(f, ev);

    if (rc != cigna_userinfo_pending) {
        return cigna_userinfo_over(f, rc);
    }

    if (f->value.len) {
        return cigna_userinfo_set(f, ev, op);
    }

    if (f->grant.expires_ms <= ev->now_ms) {
        return cigna_userinfo_over(f, cigna_userinfo_ended);
    }

    return cigna_userinfo_ask(f, op);
}


/*
 * Judges the record.  "pending": it has the grant that the flow is about, live
 * and without the identifier from $userinfo.
 */

static cigna_userinfo_e
cigna_userinfo_record(cigna_userinfo_t *f, const cigna_event_t *ev)
{
    int            rc;
    cigna_grant_t  head;
    cigna_slice_t  blob;

    if (!cigna_flow_answered(ev)) {
        return cigna_userinfo_unstored;
    }

    rc = cigna_vault_read_grant(f->subject, ev->reply, &f->grant, NULL);

    if (rc == CIGNA_AGAIN || rc == CIGNA_ERROR) {
        return cigna_userinfo_unstored;
    }

    if (rc != CIGNA_OK || f->grant.state != cigna_grant_live
        || !cigna_slice_eq(f->grant.id, f->id))
    {
        return cigna_userinfo_ended;
    }

    if (f->grant.userinfo.len) {
        f->value = f->grant.userinfo;
        return cigna_userinfo_current;
    }

    /* copied, because the event's bytes are gone after this call */

    if (cigna_vault_read_head(ev->reply, &head, &blob) != CIGNA_OK
        || cigna_arena_copy(f->subject->arena, blob, &f->blob) != CIGNA_OK)
    {
        return cigna_userinfo_unstored;
    }

    f->grant.id = f->id;

    return cigna_userinfo_pending;
}


static int
cigna_userinfo_ask(cigna_userinfo_t *f, cigna_op_t *op)
{
    cigna_buf_t             b;
    cigna_http_request_t    req;
    const cigna_subject_t  *s = f->subject;

    memset(&req, 0, sizeof(cigna_http_request_t));

    cigna_arena_open(s->arena, &b);
    cigna_buf_append(&b, s->provider->fhir_base);
    cigna_buf_append_str(&b, CIGNA_USERINFO_PATH);
    req.url = cigna_arena_close(s->arena, &b);

    cigna_arena_open(s->arena, &b);
    cigna_buf_append_str(&b, "Bearer ");
    cigna_buf_append(&b, f->grant.access_token);
    req.authorization = cigna_arena_close(s->arena, &b);

    if (req.url.len == 0 || req.authorization.len == 0) {
        return cigna_userinfo_over(f, cigna_userinfo_unstored);
    }

    f->state = cigna_userinfo_st_ask;
    cigna_flow_http(op, &req);
    op->http.fhir = 1;
    op->http.timeout_ms = CIGNA_USERINFO_MS;

    return CIGNA_AGAIN;
}


static int
cigna_userinfo_told(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->type != cigna_ev_ok) {
        return cigna_userinfo_over(f, cigna_userinfo_unreachable);
    }

    if (ev->status != 200) {
        cigna_flow_say_uint(f->detail, sizeof(f->detail), "status", ev->status);
        return cigna_userinfo_over(f, cigna_userinfo_refused);
    }

    if (cigna_userinfo_parse(ev->body, f->subject->arena, &f->value)
        != CIGNA_OK)
    {
        cigna_flow_detail(f, "no Parameters with an identifier",
                          cigna_slice_null);
        return cigna_userinfo_over(f, cigna_userinfo_refused);
    }

    return cigna_userinfo_set(f, ev, op);
}


static int
cigna_userinfo_set(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_slice_t           blob;
    const cigna_subject_t  *s = f->subject;

    f->grant.userinfo = f->value;

    if (cigna_vault_seal_grant(s, &f->grant, ev->random, &blob) == CIGNA_OK) {
        cigna_script_call(op, cigna_script_grant_amend, s->identity->grant_key,
                          f->blob, blob, cigna_script_channel(s),
                          cigna_script_identity(s->identity));

        if (!s->arena->overflow) {
            f->state = cigna_userinfo_st_set;
            return CIGNA_AGAIN;
        }
    }

    return cigna_userinfo_over(f, cigna_userinfo_unstored);
}


static int
cigna_userinfo_over(cigna_userinfo_t *f, cigna_userinfo_e rc)
{
    f->rc = rc;
    f->state = cigna_userinfo_st_over;

    return CIGNA_OK;
}


int
cigna_userinfo_parse(cigna_slice_t body, cigna_arena_t *arena,
    cigna_slice_t *value)
{
    int                  rc;
    cigna_json_t        *doc;
    cigna_slice_t        type, id;
    const cigna_json_t  *parameters, *first;

    *value = cigna_slice_null;

    doc = cigna_json_parse(body);
    if (doc == NULL) {
        return CIGNA_ERROR;
    }

    rc = CIGNA_ERROR;

    if (cigna_json_string(doc, "resourceType", CIGNA_USERINFO_MAX, &type)
        == CIGNA_OK
        && cigna_slice_eq(type, cigna_slice("Parameters"))
        && cigna_json_array(doc, "parameter", &parameters) == CIGNA_OK)
    {
        first = cigna_json_item(parameters, 0);

        if (first != NULL
            && cigna_json_string(first, "valueString", CIGNA_USERINFO_MAX, &id)
               == CIGNA_OK
            && id.len)
        {
            rc = cigna_arena_copy(arena, id, value);
        }
    }

    cigna_json_destroy(doc);

    return rc;
}


const char *
cigna_userinfo_name(cigna_userinfo_e rc)
{
    static const char  *names[] = {
        "pending", "known", "current", "ended", "unreachable", "refused",
        "unstored"
    };

    return names[rc];
}
