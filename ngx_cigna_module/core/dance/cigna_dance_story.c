
#include "cigna_dance_story.h"
#include "flow/cigna_flow.h"


#define CIGNA_DANCE_STORY_VALUE_MAX  64    /* bytes */


static void cigna_dance_story_append(cigna_buf_t *b, const char *name,
    cigna_slice_t value);
static void cigna_dance_story_append_uint(cigna_buf_t *b, const char *name,
    uint64_t n);


/* error codes of RFC 6749, 4.1.2.1 and 5.2, and OpenID Connect Core, 3.1.2.6 */

static const char *const  cigna_dance_story_errors[] = {
    "access_denied", "invalid_request", "invalid_scope", "server_error",
    "temporarily_unavailable", "unauthorized_client",
    "unsupported_response_type", "invalid_client", "invalid_grant",
    "unsupported_grant_type", "interaction_required", "login_required",
    "account_selection_required", "consent_required", "invalid_request_uri",
    "invalid_request_object", "request_not_supported",
    "request_uri_not_supported", "registration_not_supported"
};


cigna_slice_t
cigna_dance_story_line(const cigna_vault_t *vault, cigna_arena_t *arena,
    const char *what, const cigna_dance_story_t *story)
{
    cigna_buf_t  b;

    cigna_arena_open(arena, &b);

    cigna_buf_append_str(&b, what);
    cigna_dance_story_append(&b, "node", vault->node);
    cigna_dance_story_append(&b, "request", story->request);
    cigna_dance_story_append(&b, "outcome", story->outcome);
    cigna_dance_story_append_uint(&b, "status", story->status);
    cigna_dance_story_append(&b, "error",
                             cigna_dance_story_error(story->error));
    cigna_dance_story_append_uint(&b, "exchange_ms",
                                  (uint64_t) story->exchange_ms);

    return cigna_flow_text(arena, &b);
}


static void
cigna_dance_story_append(cigna_buf_t *b, const char *name, cigna_slice_t value)
{
    if (value.len == 0 || value.len > CIGNA_DANCE_STORY_VALUE_MAX
        || !cigna_slice_only(value, "-._:"))
    {
        return;
    }

    cigna_buf_append_char(b, ' ');
    cigna_buf_append_str(b, name);
    cigna_buf_append_char(b, '=');
    cigna_buf_append(b, value);
}


static void
cigna_dance_story_append_uint(cigna_buf_t *b, const char *name, uint64_t n)
{
    if (n == 0) {
        return;
    }

    cigna_buf_append_char(b, ' ');
    cigna_buf_append_str(b, name);
    cigna_buf_append_char(b, '=');
    cigna_buf_append_uint(b, n);
}


cigna_slice_t
cigna_dance_story_error(cigna_slice_t error)
{
    size_t  i;

    if (error.len == 0) {
        return cigna_slice_null;
    }

    for (i = 0;
         i < sizeof(cigna_dance_story_errors) / sizeof(char *);
         i++)
    {
        if (cigna_slice_eq(error, cigna_slice_str(cigna_dance_story_errors[i])))
        {
            return cigna_slice_str(cigna_dance_story_errors[i]);
        }
    }

    return cigna_slice("other");
}
