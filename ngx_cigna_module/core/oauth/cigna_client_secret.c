
/*
 * Two secrets of a client, sent in turn.
 *
 *                +--- refused, once ---+
 *                v                     |
 *   init --> secret --> (request) -----+--> works
 *                                      |
 *                                      +--> (anything else)
 *
 * The one that has worked last in this worker is sent first, at the start the
 * newer one.  So the order in which the secret is changed here and there does
 * not matter, and a request is not sent twice for as long as both lie apart.
 *
 * Invariants:
 *
 *   (1) a request is sent again only after a refusal that says "invalid_client"
 *       and nothing else, and once at most;
 *   (2) with one secret nothing is ever sent again, or noted.
 */


#include <string.h>

#include "cigna_client_secret.h"


void
cigna_client_secret_init(cigna_client_secret_t *s)
{
    memset(s, 0, sizeof(cigna_client_secret_t));
}


cigna_slice_t
cigna_client_secret(cigna_client_secret_t *s, const cigna_provider_t *p)
{
    if (!s->turned) {
        s->older = p->older_works;
    }

    return s->older ? p->older_secret : p->client_secret;
}


/*
 * RFC 6749, section 5.2.  The error's copy for logs equals the code only if
 * the error itself does.
 */

int
cigna_client_secret_refused(unsigned status, cigna_token_e e,
    const cigna_token_reply_t *reply)
{
    return e == cigna_token_refused && (status == 400 || status == 401)
           && cigna_slice_eq(reply->error, cigna_slice("invalid_client"));
}


int
cigna_client_secret_turn(cigna_client_secret_t *s, const cigna_provider_t *p)
{
    if (p->older_secret.len == 0 || s->turned) {
        return 0;
    }

    s->turned = 1;
    s->older = !s->older;

    return 1;
}


void
cigna_client_secret_works(cigna_client_secret_t *s, cigna_provider_t *p)
{
    if (p->older_secret.len == 0) {
        return;
    }

    s->worked = 1;
    s->changed = p->older_works != s->older;
    p->older_works = s->older;
}
