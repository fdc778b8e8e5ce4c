
#ifndef _CIGNA_JWKS_FETCH_H_INCLUDED_
#define _CIGNA_JWKS_FETCH_H_INCLUDED_


#include "flow/cigna_flow.h"


/* Fetches an issuer's keys from jwks_uri (RFC 7517). */

/* 1 if id_tokens may come and the keys to check them are missing or old */
int cigna_jwks_fetch_due(const cigna_provider_t *p, int64_t now_ms);

/* 1 if an id_token signed with an unknown key may cause a fetch now */
int cigna_jwks_fetch_again(const cigna_provider_t *p, int64_t now_ms);

/* makes *op the request for the keys */
void cigna_jwks_fetch_start(const cigna_provider_t *p, cigna_op_t *op);

/*
 * Replaces the provider's keys by those of the reply, or keeps them if the
 * fetch failed or none of the new ones is usable.  "why" gets the cause in
 * words if the old keys stay, otherwise an empty string.
 */
#define CIGNA_JWKS_FETCH_WHY_MAX  160

void cigna_jwks_fetch_done(cigna_provider_t *p, const cigna_event_t *ev,
    char why[CIGNA_JWKS_FETCH_WHY_MAX]);


#endif /* _CIGNA_JWKS_FETCH_H_INCLUDED_ */
