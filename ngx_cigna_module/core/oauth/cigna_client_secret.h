
#ifndef _CIGNA_CLIENT_SECRET_H_INCLUDED_
#define _CIGNA_CLIENT_SECRET_H_INCLUDED_


#include "cigna_oauth.h"


/*
 * Which of a client's two secrets a flow sends.  A secret never changes here
 * and at the authorization server at the same moment, so that for a while only
 * one of them is good.  See cigna_client_secret.c.
 */

typedef struct {
    /* results */
    unsigned  worked:1;                    /* of two: what is in "older" */
    unsigned  older:1;                     /* the older one was sent last */
    unsigned  changed:1;                   /* another one had worked before */

    /* private */
    unsigned  turned:1;                    /* the other one was refused */
} cigna_client_secret_t;


void cigna_client_secret_init(cigna_client_secret_t *s);

/*
 * The secret for the next request: borrowed from the provider, empty for a
 * public client.
 */
cigna_slice_t cigna_client_secret(cigna_client_secret_t *s,
    const cigna_provider_t *p);

/* 1 if a whole reply says for certain that it does not know the client */
int cigna_client_secret_refused(unsigned status, cigna_token_e e,
    const cigna_token_reply_t *reply);

/*
 * After that: 1 if the request is to be sent once more, with the secret that
 * comes now; 0 if there is no other one, or it was sent before.
 */
int cigna_client_secret_turn(cigna_client_secret_t *s,
    const cigna_provider_t *p);

/* the secret was accepted: of two it is the first to be sent from now on */
void cigna_client_secret_works(cigna_client_secret_t *s, cigna_provider_t *p);


#endif /* _CIGNA_CLIENT_SECRET_H_INCLUDED_ */
