
/*
 * Runs cigna_smart.c on the standard input in pieces of CHUNK bytes, and writes
 * the result to standard output.  NAME is a field of smart-configuration.
 *
 *     smart_probe CHUNK metadata|smart-configuration [NAME URL]...
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/cigna_smart.h"


#define ENDPOINTS  16


static cigna_smart_t           smart;
static cigna_public_endpoint_t  endpoints[ENDPOINTS];
static uint8_t                 text[16 << 20];


static void
put(cigna_slice_t piece)
{
    fwrite(piece.data, 1, piece.len, stdout);
}


int
main(int argc, char **argv)
{
    int            n;
    size_t         chunk;
    cigna_slice_t  rest, in, piece;

    if (argc < 3) {
        fprintf(stderr, "usage: smart_probe CHUNK DOCUMENT [NAME URL]...\n");
        return 2;
    }

    chunk = strtoul(argv[1], NULL, 10);

    for (n = 0; n < ENDPOINTS && 2 * n + 4 < argc; n++) {
        endpoints[n].name = cigna_slice_str(argv[2 * n + 3]);
        endpoints[n].url = cigna_slice_str(argv[2 * n + 4]);
    }

    rest = cigna_slice_make(text, text + fread(text, 1, sizeof(text), stdin));

    cigna_smart_init(&smart,
                     strcmp(argv[2], "metadata") ? cigna_public_metadata_configuration
                                                 : cigna_public_metadata_capabilities,
                     endpoints, n);

    while (rest.len) {

        in = rest;

        if (in.len > chunk) {
            in.len = chunk;
        }

        rest = cigna_slice_skip(rest, in.len);

        while (cigna_smart_next(&smart, &in, &piece) == CIGNA_OK) {
            put(piece);
        }
    }

    while (cigna_smart_end(&smart, &piece) == CIGNA_OK) {
        put(piece);
    }

    return 0;
}
