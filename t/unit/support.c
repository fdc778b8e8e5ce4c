
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "support.h"


/* a mapping of data pages between two unreadable ones */

typedef struct support_map_s  support_map_t;

struct support_map_s {
    support_map_t  *next;
    uint8_t        *addr;
    size_t          size;
};


static support_map_t  *support_maps;
static unsigned        support_alloc_left;
static int             support_alloc_hit;


static support_map_t *support_map(size_t len);
static int support_alloc_fails(void);
static void *support_malloc(size_t size);
static void *support_openssl_malloc(size_t size, const char *file, int line);
static void *support_openssl_realloc(void *p, size_t size, const char *file,
    int line);
static void support_openssl_free(void *p, const char *file, int line);


uint8_t *
place_at_page_end(const void *bytes, size_t len)
{
    uint8_t        *p;
    support_map_t  *map;

    map = support_map(len);
    p = map->addr + map->size - getpagesize() - len;

    return len ? memcpy(p, bytes, len) : p;
}


uint8_t *
place_at_page_start(const void *bytes, size_t len)
{
    uint8_t        *p;
    support_map_t  *map;

    map = support_map(len);
    p = map->addr + getpagesize();

    return len ? memcpy(p, bytes, len) : p;
}


cigna_slice_t
guarded(const char *text)
{
    size_t  len;

    len = strlen(text);

    return (cigna_slice_t) { place_at_page_end(text, len), len };
}


cigna_slice_t
guarded_start(const char *text)
{
    size_t  len;

    len = strlen(text);

    return (cigna_slice_t) { place_at_page_start(text, len), len };
}


void
support_release(void)
{
    support_map_t  *map;

    while (support_maps != NULL) {
        map = support_maps;
        support_maps = map->next;

        munmap(map->addr, map->size);
        free(map);
    }
}


static support_map_t *
support_map(size_t len)
{
    size_t          page;
    support_map_t  *map;

    page = getpagesize();

    map = malloc(sizeof(support_map_t));
    if (map == NULL) {
        abort();
    }

    if (support_maps == NULL) {
        atexit(support_release);
    }

    map->size = (len + page - 1) / page * page + 2 * page;
    map->addr = mmap(NULL, map->size, PROT_READ|PROT_WRITE,
                     MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (map->addr == MAP_FAILED
        || mprotect(map->addr, page, PROT_NONE) != 0
        || mprotect(map->addr + map->size - page, page, PROT_NONE) != 0)
    {
        perror("support_map");
        abort();
    }

    map->next = support_maps;
    support_maps = map;

    return map;
}


void
support_assert_slice(cigna_slice_t s, const char *text, const char *file,
    int line)
{
    size_t  len;

    len = strlen(text);

    if (s.len == len && (len == 0 || memcmp(s.data, text, len) == 0)) {
        return;
    }

    print_error("expected \"%s\", got \"%.*s\" (%zu bytes)\n", text,
                (int) s.len, s.data ? (const char *) s.data : "", s.len);
    _fail(file, line);
}


void
support_alloc_init(void)
{
    json_set_alloc_funcs(support_malloc, free);

    if (CRYPTO_set_mem_functions(support_openssl_malloc,
                                 support_openssl_realloc,
                                 support_openssl_free)
        != 1)
    {
        print_error("support_alloc_init() must come first in main()\n");
        abort();
    }
}


void
support_alloc_fail(unsigned n)
{
    support_alloc_left = n;
    support_alloc_hit = 0;
}


int
support_alloc_failed(void)
{
    support_alloc_left = 0;

    return support_alloc_hit;
}


static int
support_alloc_fails(void)
{
    if (support_alloc_left == 0 || --support_alloc_left != 0) {
        return 0;
    }

    support_alloc_hit = 1;

    return 1;
}


static void *
support_malloc(size_t size)
{
    return support_alloc_fails() ? NULL : malloc(size);
}


static void *
support_openssl_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return support_malloc(size);
}


static void *
support_openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return support_alloc_fails() ? NULL : realloc(p, size);
}


static void
support_openssl_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    free(p);
}
