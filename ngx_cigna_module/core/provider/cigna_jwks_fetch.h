
#ifndef _CIGNA_JWKS_FETCH_H_INCLUDED_
#define _CIGNA_JWKS_FETCH_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * The issuer's keys, as the provider has them: when they are fetched, and what
 * becomes of the answer.
 */

/* 1 if an id_token may come and the keys for it are not, or not fresh, here */
int cigna_jwks_fetch_due(const cigna_provider_t *p, int64_t now_ms);

/* 1 if a token under an unknown key is worth a fetch now */
int cigna_jwks_fetch_again(const cigna_provider_t *p, int64_t now_ms);

/* asks for them */
void cigna_jwks_fetch_fetch(const cigna_provider_t *p, cigna_op_t *op);

/*
 * Takes the new ones, or keeps the old ones if there is none that is usable;
 * why then has in words what came, zero-terminated, otherwise it is empty.
 */
#define CIGNA_JWKS_FETCH_WHY_MAX  160

void cigna_jwks_fetch_fetched(cigna_provider_t *p, const cigna_event_t *ev,
    char why[CIGNA_JWKS_FETCH_WHY_MAX]);


#endif /* _CIGNA_JWKS_FETCH_H_INCLUDED_ */
