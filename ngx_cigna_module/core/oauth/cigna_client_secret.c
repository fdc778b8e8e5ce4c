
/*
 * How a flow tries a client's two secrets, one after the other.
 *
 *                +--- refused, once ---+
 *                v                     |
 *   init --> secret --> (request) -----+--> works
 *                                      |
 *                                      +--> (anything else)
 *
 * A flow first sends the secret that the server accepted last in this worker.
 * In a new worker, the flow first sends the newer secret.  So an operator may
 * change the secret at the gateway or at Cigna first.  In the time between,
 * only the first request of each worker is sent twice.
 *
 * Invariants:
 *
 *   (1) a flow changes to the other secret at most once, and only after
 *       "invalid_client";
 *   (2) with one secret, a flow changes nothing, and remembers only that the
 *       server has refused the client.
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
 * "invalid_client" is the error code of RFC 6749, section 5.2.  reply->error is
 * sanitized for logs, but sanitizing does not change this code.
 */

int
cigna_client_secret_again(cigna_client_secret_t *s, const cigna_provider_t *p,
    unsigned status, cigna_token_e e, const cigna_token_reply_t *reply)
{
    if (e != cigna_token_refused || (status != 400 && status != 401)
        || !cigna_slice_eq(reply->error, cigna_slice("invalid_client")))
    {
        return 0;
    }

    if (p->older_secret.len == 0 || s->turned) {
        s->refused = 1;
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
