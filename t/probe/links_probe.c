
/*
 * Rewrites the links in the FHIR resource on standard input, by
 * core/fhir/cigna_link_filter.c.  OWN is the gateway's base URL with "/" at its
 * end.  Each BASE is a base URL of the FHIR server.
 *
 *     links_probe CHUNK[,CHUNK...] OWN BASE...
 *
 *         feeds the input in pieces of each size, and writes the result to
 *         standard output; fails if the size changes the result
 *
 *     links_probe -b ROUNDS OWN BASE...
 *
 *         rewrites the input ROUNDS times, and prints the bytes of input per
 *         second of CPU time
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fhir/cigna_link_filter.h"


#define CHUNK  65536


static cigna_link_filter_t  links;
static uint8_t        out[CHUNK];


/*
 * Rewrites the text in pieces of "chunk" bytes, and writes the result to a
 * file.  If there is no file, each piece of the result is copied to a buffer,
 * as nginx's body filter does.  Returns the length of the result.
 */

static size_t
rewrite(cigna_slice_t text, size_t chunk, const cigna_bases_t *bases,
    cigna_slice_t own, FILE *to)
{
    size_t         n;
    cigna_slice_t  in, piece;

    n = 0;
    cigna_link_filter_init(&links, bases, own);

    while (text.len) {

        in = text;

        if (in.len > chunk) {
            in.len = chunk;
        }

        text = cigna_slice_skip(text, in.len);

        while (cigna_link_filter_next(&links, &in, &piece) == CIGNA_OK) {

            if (to) {
                fwrite(piece.data, 1, piece.len, to);

            } else {
                memcpy(out, piece.data, piece.len);
            }

            n += piece.len;
        }
    }

    while (cigna_link_filter_end(&links, &piece) == CIGNA_OK) {

        if (to) {
            fwrite(piece.data, 1, piece.len, to);
        }

        n += piece.len;
    }

    return n;
}


/*
 * Rewrites the text in pieces of each size in "chunks", and writes the first
 * result to standard output.  Returns 0, or the first size that gives another
 * result.
 */

static size_t
rewrite_all(cigna_slice_t text, const char *chunks, const cigna_bases_t *bases,
    cigna_slice_t own)
{
    int      same;
    char    *first, *again, *next;
    FILE    *to;
    size_t   n, len, chunk;

    to = open_memstream(&first, &n);
    chunk = strtoul(chunks, &next, 10);
    (void) rewrite(text, chunk, bases, own, to);
    fclose(to);

    same = 1;

    while (same && *next == ',') {

        to = open_memstream(&again, &len);
        chunk = strtoul(next + 1, &next, 10);
        (void) rewrite(text, chunk, bases, own, to);
        fclose(to);

        same = (len == n && memcmp(again, first, n) == 0);
        free(again);
    }

    fwrite(first, 1, n, stdout);
    free(first);

    return same ? 0 : chunk;
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
    const char      *error, *chunks;
    cigna_bases_t    bases;
    cigna_slice_t    text, own;

    if (argc < 4) {
        fprintf(stderr, "usage: links_probe CHUNKS|-b ROUNDS OWN BASE...\n");
        return 2;
    }

    i = strcmp(argv[1], "-b") == 0 ? 2 : 1;
    n = strtoul(argv[i], NULL, 10);
    chunks = argv[i];
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
        n = rewrite_all(text, chunks, &bases, own);

        if (n) {
            fprintf(stderr, "pieces of %zu bytes change the result\n", n);
            return 1;
        }

        return 0;
    }

    start = clock();

    for (i = 0; i < (int) n; i++) {
        (void) rewrite(text, CHUNK, &bases, own, NULL);
    }

    seconds = (double) (clock() - start) / CLOCKS_PER_SEC;

    printf("%.0f\n", (double) text.len * n / seconds);

    return 0;
}
