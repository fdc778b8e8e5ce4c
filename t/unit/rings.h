
#ifndef _RINGS_H_INCLUDED_
#define _RINGS_H_INCLUDED_


#include "vault/cigna_marker.h"


/*
 * lines of key rings; the keys are bytes 0 to 31, 32 to 63, 64 to 95, 96 to 127
 */

#define NAME        "name AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define SEAL        "seal ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8\n"
#define OTHER       "seal QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8\n"
#define OTHER_NAME  "name YGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn8\n"


/* parses a key ring, which the caller destroys; ends the program on failure */
cigna_keyring_t *ring_of(const char *text);

/*
 * Appends the vault's marker for this Redis key.  made_ms: the time of its
 * making.  CIGNA_ERROR if there is no room.
 */
int ring_marker(const cigna_vault_t *vault, cigna_slice_t key, int64_t made_ms,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out);


#endif /* _RINGS_H_INCLUDED_ */
