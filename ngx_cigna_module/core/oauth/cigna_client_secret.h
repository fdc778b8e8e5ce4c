
#ifndef _CIGNA_CLIENT_SECRET_H_INCLUDED_
#define _CIGNA_CLIENT_SECRET_H_INCLUDED_


#include "cigna_oauth.h"


/*
 * Chooses which of a client's two secrets a flow sends.  While an operator
 * changes the secret, the authorization server accepts only one of them, and
 * the gateway does not know which.  See cigna_client_secret.c.
 */

typedef struct {
    /* result */
    unsigned  refused:1;                   /* the server refused all secrets of
                                              the client */

    /* results, if the client has two secrets */
    unsigned  worked:1;                    /* the server accepted a secret */
    unsigned  older:1;                     /* the flow's last request had the
                                              older secret */
    unsigned  changed:1;                   /* the worker's flows before this one
                                              sent the other secret first */

    /* private */
    unsigned  turned:1;                    /* the server refused the flow's
                                              first secret */
} cigna_client_secret_t;


void cigna_client_secret_init(cigna_client_secret_t *s);

/*
 * The secret for the next request, borrowed from the provider; empty for a
 * public client.
 */
cigna_slice_t cigna_client_secret(cigna_client_secret_t *s,
    const cigna_provider_t *p);

/*
 * Called after each reply that is not a success.  Returns 1 if the flow must
 * send the request once more, with the secret that cigna_client_secret() then
 * returns.  Returns 0 if the reply does not say for certain that the server
 * refuses this client, or if there is no other secret to try.
 */
int cigna_client_secret_again(cigna_client_secret_t *s,
    const cigna_provider_t *p, unsigned status, cigna_token_e e,
    const cigna_token_reply_t *reply);

/*
 * Called when the server has accepted the secret.  The provider's next flow
 * then sends this secret first.
 */
void cigna_client_secret_works(cigna_client_secret_t *s, cigna_provider_t *p);


#endif /* _CIGNA_CLIENT_SECRET_H_INCLUDED_ */
