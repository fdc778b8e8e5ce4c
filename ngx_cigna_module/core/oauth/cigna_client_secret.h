
#ifndef _CIGNA_CLIENT_SECRET_H_INCLUDED_
#define _CIGNA_CLIENT_SECRET_H_INCLUDED_


#include "cigna_oauth.h"


/*
 * Chooses which of a client's two secrets a flow sends.  During a change of the
 * secret the authorization server accepts only one of them, and the gateway
 * does not know which.  See cigna_client_secret.c.
 */

typedef struct {
    /* results, if the client has two secrets */
    unsigned  worked:1;                    /* the server accepted one of them */
    unsigned  older:1;                     /* the older one was sent last */
    unsigned  changed:1;                   /* the other one worked before */

    /* private */
    unsigned  turned:1;                    /* the first one was refused */
} cigna_client_secret_t;


void cigna_client_secret_init(cigna_client_secret_t *s);

/*
 * The secret for the next request, borrowed from the provider; empty for a
 * public client.
 */
cigna_slice_t cigna_client_secret(cigna_client_secret_t *s,
    const cigna_provider_t *p);

/* 1 if the reply says for certain that the server refuses this client */
int cigna_client_secret_refused(unsigned status, cigna_token_e e,
    const cigna_token_reply_t *reply);

/*
 * After such a reply.  1: send the request once more, with the secret that
 * cigna_client_secret() then returns.  0: there is no other secret to try.
 */
int cigna_client_secret_turn(cigna_client_secret_t *s,
    const cigna_provider_t *p);

/* the server accepted the secret: the provider's next flow sends it first */
void cigna_client_secret_works(cigna_client_secret_t *s, cigna_provider_t *p);


#endif /* _CIGNA_CLIENT_SECRET_H_INCLUDED_ */
