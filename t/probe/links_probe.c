
/*
 * What cigna_links.c makes of its standard input:
 *
 *     links_probe CHUNK OWN BASE...        writes it to standard output
 *     links_probe -b ROUNDS OWN BASE...    prints bytes per second of CPU time
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cigna_links.h"


#define CHUNK  65536


static cigna_links_t  links;
static uint8_t        out[CHUNK];


static size_t
rewrite(cigna_slice_t text, size_t chunk, const cigna_bases_t *bases,
    cigna_slice_t own, int write)
{
    size_t         n;
    cigna_slice_t  in, piece;

    n = 0;
    cigna_links_init(&links, bases, own);

    while (text.len) {

        in = text;

        if (in.len > chunk) {
            in.len = chunk;
        }

        text = cigna_slice_skip(text, in.len);

        while (cigna_links_next(&links, &in, &piece) == CIGNA_OK) {

            if (write) {
                fwrite(piece.data, 1, piece.len, stdout);

            } else {

                /* what a filter does with it */

                memcpy(out, piece.data, piece.len);
            }

            n += piece.len;
        }
    }

    while (cigna_links_end(&links, &piece) == CIGNA_OK) {

        if (write) {
            fwrite(piece.data, 1, piece.len, stdout);
        }

        n += piece.len;
    }

    return n;
}


static cigna_slice_t
input(void)
{
    size_t    n, size;
    uint8_t  *text;

    n = 0;
    size = CHUNK;
    text = malloc(size);

    while (text) {

        n += fread(text + n, 1, size - n, stdin);

        if (n < size) {
            return cigna_slice_make(text, text + n);
        }

        size *= 2;
        text = realloc(text, size);
    }

    fprintf(stderr, "no memory\n");
    exit(1);
}


int
main(int argc, char **argv)
{
    int              i;
    double           seconds;
    size_t           n;
    clock_t          start;
    const char      *error;
    cigna_bases_t    bases;
    cigna_slice_t    text, own;

    if (argc < 4) {
        fprintf(stderr, "usage: links_probe CHUNK|-b ROUNDS OWN BASE...\n");
        return 2;
    }

    i = strcmp(argv[1], "-b") == 0 ? 2 : 1;
    n = strtoul(argv[i], NULL, 10);
    own = cigna_slice_str(argv[i + 1]);

    cigna_bases_init(&bases);

    for (argv += i + 2; *argv; argv++) {
        if (cigna_bases_add(&bases, cigna_slice_str(*argv), &error)
            != CIGNA_OK)
        {
            fprintf(stderr, "%s %s\n", *argv, error);
            return 2;
        }
    }

    text = input();

    if (i == 1) {
        (void) rewrite(text, n, &bases, own, 1);
        return 0;
    }

    start = clock();

    for (i = 0; i < (int) n; i++) {
        (void) rewrite(text, CHUNK, &bases, own, 0);
    }

    seconds = (double) (clock() - start) / CLOCKS_PER_SEC;

    printf("%.0f\n", (double) text.len * n / seconds);

    return 0;
}
