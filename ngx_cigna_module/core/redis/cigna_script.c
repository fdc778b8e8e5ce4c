
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "cigna_script.h"


#define CIGNA_SHA1_LEN  20


int
cigna_script_init(cigna_script_t *script)
{
    unsigned       n;
    unsigned char  digest[CIGNA_SHA1_LEN];

    if (EVP_Digest(script->text, strlen(script->text), digest, NULL,
                   EVP_sha1(), NULL)
        != 1)
    {
        return CIGNA_ERROR;
    }

    for (n = 0; n < CIGNA_SHA1_LEN; n++) {
        (void) snprintf(&script->sha1[2 * n], 3, "%02x", digest[n]);
    }

    return CIGNA_OK;
}
