
/*
 * An nginx module for tests only.  It reads and changes the shared memory of
 * ngx_cigna_module from inside a worker.
 *
 *     location = /probe { cigna_probe; }
 *
 *     /probe?op=put&id=1&len=20&generation=3&checked=0[&epoch=5]
 *
 * The reply is a JSON object.  Arguments that are absent are 0.  The token of
 * an entry of the cache is derived from its id and generation, so any mix-up of
 * entries shows.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "shm/ngx_cigna_cache.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "shm/ngx_cigna_counters.h"
#include "shm/ngx_cigna_journal.h"


#define NGX_CIGNA_PROBE_TOKEN_MAX  (16 * 1024)
#define NGX_CIGNA_PROBE_REPLY_MAX  512


typedef struct {
    ngx_http_request_t       *r;
    ngx_shm_zone_t           *zone;
    ngx_slab_pool_t          *slab;
    ngx_cigna_cache_key_t     key;
    ngx_cigna_cache_entry_t   entry;
    uint64_t                  id;
    u_char                   *last;        /* end of the reply so far */
} ngx_cigna_probe_t;


typedef struct {
    const char               *op;
    void                    (*handler)(ngx_cigna_probe_t *p);
} ngx_cigna_probe_op_t;


static char *ngx_cigna_probe(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_cigna_probe_handler(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_probe_send(ngx_http_request_t *r, u_char *text,
    size_t len);
static int64_t ngx_cigna_probe_arg(ngx_cigna_probe_t *p, const char *name);
static void ngx_cigna_probe_key(ngx_cigna_probe_t *p, uint64_t id);
static void ngx_cigna_probe_who(u_char *who, uint64_t id);
static void ngx_cigna_probe_grant(u_char *grant, uint64_t id);
static ngx_uint_t ngx_cigna_probe_epoch(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_token(u_char *token, size_t len, uint64_t id,
    uint64_t generation);
static ngx_int_t ngx_cigna_probe_put_entry(ngx_cigna_probe_t *p,
    ngx_uint_t epoch);
static ngx_int_t ngx_cigna_probe_get_entry(ngx_cigna_probe_t *p,
    ngx_uint_t *epoch, ngx_uint_t *intact);
static void ngx_cigna_probe_put(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_get(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_drop(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_invalidate(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_suspect(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_note(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_fill(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_find(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_pages(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_search(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_stress(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_die(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_count(ngx_cigna_probe_t *p);
static void ngx_cigna_probe_dances(ngx_cigna_probe_t *p);


static ngx_cigna_probe_op_t  ngx_cigna_probe_ops[] = {
    { "put", ngx_cigna_probe_put },
    { "get", ngx_cigna_probe_get },
    { "drop", ngx_cigna_probe_drop },
    { "invalidate", ngx_cigna_probe_invalidate },
    { "suspect", ngx_cigna_probe_suspect },
    { "note", ngx_cigna_probe_note },
    { "fill", ngx_cigna_probe_fill },
    { "find", ngx_cigna_probe_find },
    { "pages", ngx_cigna_probe_pages },
    { "search", ngx_cigna_probe_search },
    { "stress", ngx_cigna_probe_stress },
    { "die", ngx_cigna_probe_die },
    { "count", ngx_cigna_probe_count },
    { "dances", ngx_cigna_probe_dances },
    { NULL, NULL }
};


static ngx_command_t  ngx_cigna_probe_commands[] = {

    { ngx_string("cigna_probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_cigna_probe,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_cigna_probe_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_cigna_probe_module = {
    NGX_MODULE_V1,
    &ngx_cigna_probe_module_ctx,           /* module context */
    ngx_cigna_probe_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* nginx's build writes these arrays for a dynamic module. */

ngx_module_t  *ngx_modules[] = { &ngx_cigna_probe_module, NULL };

char  *ngx_module_names[] = { "ngx_cigna_probe_module", NULL };

char  *ngx_module_order[] = { NULL };


static u_char  ngx_cigna_probe_bytes[NGX_CIGNA_PROBE_TOKEN_MAX];


static char *
ngx_cigna_probe(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_cigna_probe_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_cigna_probe_handler(ngx_http_request_t *r)
{
    u_char                  text[NGX_CIGNA_PROBE_REPLY_MAX];
    ngx_str_t               op;
    ngx_cigna_probe_t       p;
    ngx_cigna_main_conf_t  *mcf;
    ngx_cigna_probe_op_t   *o;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    ngx_memzero(&p, sizeof(ngx_cigna_probe_t));

    p.r = r;
    p.zone = mcf->zone;
    p.slab = (ngx_slab_pool_t *) mcf->zone->shm.addr;
    p.last = text;

    p.entry.token.data = ngx_cigna_probe_bytes;
    p.entry.token.len = ngx_cigna_probe_arg(&p, "len");
    p.entry.generation = ngx_cigna_probe_arg(&p, "generation");
    p.entry.checked_ms = ngx_cigna_probe_arg(&p, "checked");

    ngx_cigna_probe_key(&p, ngx_cigna_probe_arg(&p, "id"));

    if (p.entry.token.len > NGX_CIGNA_PROBE_TOKEN_MAX
        || ngx_http_arg(r, (u_char *) "op", 2, &op) != NGX_OK)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    for (o = ngx_cigna_probe_ops; o->op; o++) {

        if (op.len == ngx_strlen(o->op)
            && ngx_strncmp(op.data, o->op, op.len) == 0)
        {
            o->handler(&p);

            return ngx_cigna_probe_send(r, text, p.last - text);
        }
    }

    return NGX_HTTP_NOT_FOUND;
}


static ngx_int_t
ngx_cigna_probe_send(ngx_http_request_t *r, u_char *text, size_t len)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, text, len);
    b->last_buf = 1;
    out.buf = b;
    out.next = NULL;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, &out);
}


static int64_t
ngx_cigna_probe_arg(ngx_cigna_probe_t *p, const char *name)
{
    ngx_str_t  value;

    if (ngx_http_arg(p->r, (u_char *) name, ngx_strlen(name), &value)
        != NGX_OK)
    {
        return 0;
    }

    return ngx_atoi(value.data, value.len);
}


/*
 * The keys of all ids that are multiples of 7 begin with the same eight bytes.
 */

static void
ngx_cigna_probe_key(ngx_cigna_probe_t *p, uint64_t id)
{
    uint64_t  mixed;

    p->id = id;

    mixed = (id + 1) * 0x9e3779b97f4a7c15;
    mixed ^= mixed >> 32;

    ngx_memcpy(p->key.bytes, &mixed, sizeof(mixed));
    mixed *= 0xbf58476d1ce4e5b9;
    ngx_memcpy(p->key.bytes + sizeof(mixed), &mixed, sizeof(mixed));

    if (id % 7 == 0) {
        ngx_memset(p->key.bytes, 7, sizeof(mixed));
    }
}


static void
ngx_cigna_probe_who(u_char *who, uint64_t id)
{
    u_char  text[64];

    (void) ngx_sprintf(text, "%027uL", id * 0x9e3779b97f4a7c15);
    ngx_memcpy(who, text, CIGNA_NAME_LEN);

    /* Names sort differently by their first eight bytes than by the others. */

    (void) ngx_sprintf(text, "%08xD", (uint32_t) id * 2654435761);
    ngx_memcpy(who, text, 8);
}


static void
ngx_cigna_probe_grant(u_char *grant, uint64_t id)
{
    u_char  text[64];

    (void) ngx_sprintf(text, "%022uL", id);
    ngx_memcpy(grant, text, CIGNA_GRANT_ID_LEN);
}


static ngx_uint_t
ngx_cigna_probe_epoch(ngx_cigna_probe_t *p)
{
    u_char  who[CIGNA_NAME_LEN];

    ngx_cigna_probe_who(who, p->id);

    return ngx_cigna_cache_epoch(p->zone, who);
}


static void
ngx_cigna_probe_token(u_char *token, size_t len, uint64_t id,
    uint64_t generation)
{
    size_t    i;
    uint64_t  x;

    x = (id << 20) + generation;

    for (i = 0; i < len; i++) {
        x = x * 6364136223846793005 + 1442695040888963407;
        token[i] = (u_char) (x >> 56);
    }
}


static ngx_int_t
ngx_cigna_probe_put_entry(ngx_cigna_probe_t *p, ngx_uint_t epoch)
{
    p->entry.token.data = ngx_cigna_probe_bytes;
    p->entry.expires_ms = p->id;
    p->entry.due_ms = p->entry.generation;

    ngx_cigna_probe_who(p->entry.name, p->id);
    ngx_cigna_probe_grant(p->entry.id, p->id);

    ngx_cigna_probe_token(p->entry.token.data, p->entry.token.len, p->id,
                          p->entry.generation);

    return ngx_cigna_cache_put(p->zone, &p->key, &p->entry, epoch);
}


static ngx_int_t
ngx_cigna_probe_get_entry(ngx_cigna_probe_t *p, ngx_uint_t *epoch,
    ngx_uint_t *intact)
{
    u_char       who[CIGNA_NAME_LEN];
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    *intact = 0;

    ngx_cigna_probe_who(who, p->id);
    *epoch = ngx_cigna_cache_epoch(p->zone, who);

    pool = ngx_create_pool(512, p->r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_cigna_cache_get(p->zone, &p->key, pool, &p->entry);

    if (rc == NGX_OK) {
        ngx_cigna_probe_token(ngx_cigna_probe_bytes, p->entry.token.len,
                              p->id, p->entry.generation);

        *intact = ngx_memcmp(ngx_cigna_probe_bytes, p->entry.token.data,
                             p->entry.token.len)
                  == 0
                  && p->entry.expires_ms == (int64_t) p->id
                  && ngx_memcmp(p->entry.name, who, CIGNA_NAME_LEN) == 0
                  && p->entry.due_ms == (int64_t) p->entry.generation;
    }

    ngx_destroy_pool(pool);

    return rc;
}


/*
 * Puts an entry into the cache.  The argument "epoch" is the epoch that op=get
 * returned, by default the current one.
 */

static void
ngx_cigna_probe_put(ngx_cigna_probe_t *p)
{
    ngx_str_t   value;
    ngx_uint_t  epoch;

    epoch = ngx_cigna_probe_epoch(p);

    if (ngx_http_arg(p->r, (u_char *) "epoch", 5, &value) == NGX_OK) {
        epoch = ngx_cigna_probe_arg(p, "epoch");
    }

    p->last = ngx_sprintf(p->last, "{\"rc\":%i}",
                          ngx_cigna_probe_put_entry(p, epoch));
}


static void
ngx_cigna_probe_get(ngx_cigna_probe_t *p)
{
    ngx_int_t   rc;
    ngx_uint_t  epoch, intact;

    p->entry.token.len = 0;
    p->entry.generation = 0;

    rc = ngx_cigna_probe_get_entry(p, &epoch, &intact);

    p->last = ngx_sprintf(p->last, "{\"rc\":%i,\"intact\":%ui,\"epoch\":%ui,"
                          "\"len\":%uz,\"generation\":%uL,\"suspect\":%d}",
                          rc, intact, epoch, p->entry.token.len,
                          p->entry.generation, (int) p->entry.suspect);
}


static void
ngx_cigna_probe_drop(ngx_cigna_probe_t *p)
{
    u_char  who[CIGNA_NAME_LEN];

    ngx_cigna_probe_who(who, p->id);
    ngx_cigna_cache_drop(p->zone, &p->key, who);

    p->last = ngx_sprintf(p->last, "{}");
}


/*
 * Handles an invalidation message with the grant and the generation of the
 * arguments.
 */

static void
ngx_cigna_probe_invalidate(ngx_cigna_probe_t *p)
{
    u_char  who[CIGNA_NAME_LEN], grant[CIGNA_GRANT_ID_LEN];

    ngx_cigna_probe_who(who, p->id);
    ngx_cigna_probe_grant(grant, ngx_cigna_probe_arg(p, "grant"));

    p->last = ngx_sprintf(p->last, "{\"dropped\":%ui}",
                          ngx_cigna_cache_invalidate(p->zone, who, grant,
                                                     p->entry.generation));
}


/*
 * Entries that Redis confirmed before the time in the argument "checked" become
 * suspect.
 */

static void
ngx_cigna_probe_suspect(ngx_cigna_probe_t *p)
{
    ngx_cigna_cache_suspect(p->zone, p->entry.checked_ms);

    p->last = ngx_sprintf(p->last, "{}");
}


/*
 * Puts n entries with records of len bytes into the journal, for the ids from
 * id on.  The argument "confirmed" says whether Redis has confirmed the
 * entries.  n may be 0.
 */

static void
ngx_cigna_probe_note(ngx_cigna_probe_t *p)
{
    int64_t          n;
    u_char           who[CIGNA_NAME_LEN], id[CIGNA_GRANT_ID_LEN];
    ngx_uint_t       confirmed, full;
    cigna_journal_t  entry;

    confirmed = ngx_cigna_probe_arg(p, "confirmed");
    full = 0;

    ngx_memzero(&entry, sizeof(cigna_journal_t));
    ngx_memset(ngx_cigna_probe_bytes, 'n', p->entry.token.len);

    entry.tenant = cigna_slice("acme");
    entry.identity = cigna_slice_make(who, who + CIGNA_NAME_LEN);
    entry.id = cigna_slice_make(id, id + CIGNA_GRANT_ID_LEN);
    entry.generation = 1;
    entry.until_ms = INT64_MAX;
    entry.made_ms = INT64_MAX;
    entry.blob = cigna_slice_make(ngx_cigna_probe_bytes,
                                  ngx_cigna_probe_bytes + p->entry.token.len);

    for (n = ngx_cigna_probe_arg(p, "n"); n; n--) {
        ngx_cigna_probe_who(who, p->id);
        ngx_cigna_probe_grant(id, p->id);
        p->id++;

        full += ngx_cigna_journal_put(p->zone, &entry, confirmed) != NGX_OK;
    }

    p->last = ngx_sprintf(p->last, "{\"full\":%ui,\"entries\":%ui,"
                          "\"unconfirmed\":%ui}", full,
                          ngx_cigna_journal_entries(p->zone),
                          ngx_cigna_journal_unconfirmed(p->zone));
}


/*
 * Puts n entries into the cache.  The first has the id p->id, the next one
 * p->id + 1 and so on.
 */

static void
ngx_cigna_probe_fill(ngx_cigna_probe_t *p)
{
    int64_t     i, n;
    ngx_uint_t  failed;

    n = ngx_cigna_probe_arg(p, "n");
    failed = 0;

    for (i = 0; i < n; i++) {
        failed += ngx_cigna_probe_put_entry(p, ngx_cigna_probe_epoch(p))
                  != NGX_OK;

        ngx_cigna_probe_key(p, p->id + 1);
    }

    p->last = ngx_sprintf(p->last, "{\"failed\":%ui}", failed);
}


/*
 * Looks up n entries in the cache.  The first has the id p->id, the next one
 * p->id + 1 and so on.
 */

static void
ngx_cigna_probe_find(ngx_cigna_probe_t *p)
{
    int64_t     i, n;
    ngx_uint_t  epoch, found, intact, broken;

    n = ngx_cigna_probe_arg(p, "n");
    found = 0;
    broken = 0;

    for (i = 0; i < n; i++) {

        if (ngx_cigna_probe_get_entry(p, &epoch, &intact) == NGX_OK) {
            found++;
            broken += !intact;
        }

        ngx_cigna_probe_key(p, p->id + 1);
    }

    p->last = ngx_sprintf(p->last, "{\"found\":%ui,\"broken\":%ui}", found,
                          broken);
}


/*
 * Replies with the number of free pages and the bytes that a page takes
 * together with the slab's description of it.
 */

static void
ngx_cigna_probe_pages(ngx_cigna_probe_t *p)
{
    p->last = ngx_sprintf(p->last, "{\"free\":%ui,\"bytes\":%uz}",
                          p->slab->pfree,
                          ngx_pagesize + sizeof(ngx_slab_page_t));
}


/* Counts the places in the zone that have the first 16 bytes of a token. */

static void
ngx_cigna_probe_search(ngx_cigna_probe_t *p)
{
    size_t       len;
    u_char      *s, *end;
    ngx_uint_t   n;

    len = ngx_min(p->entry.token.len, 16);
    ngx_cigna_probe_token(ngx_cigna_probe_bytes, len, p->id,
                          p->entry.generation);

    s = p->zone->shm.addr;
    end = s + p->zone->shm.size;

    for (n = 0; /* void */ ; n++, s++) {

        s = memmem(s, end - s, ngx_cigna_probe_bytes, len);
        if (s == NULL) {
            break;
        }
    }

    p->last = ngx_sprintf(p->last, "{\"found\":%ui}", n);
}


/* Runs n random operations on 1,000 keys with different lengths. */

static void
ngx_cigna_probe_stress(ngx_cigna_probe_t *p)
{
    int64_t     n;
    ngx_uint_t  dice, epoch, intact, found, broken, failed;

    static size_t  lens[] = {
        1, 19, 20, 21, 140, 980, 981, 1331, 4096, 8191, 12288
    };

    found = 0;
    broken = 0;
    failed = 0;

    for (n = ngx_cigna_probe_arg(p, "n"); n; n--) {

        ngx_cigna_probe_key(p, ngx_random() % 1000);
        dice = ngx_random() % 100;

        if (dice < 50) {
            if (ngx_cigna_probe_get_entry(p, &epoch, &intact) == NGX_OK) {
                found++;
                broken += !intact;
            }

        } else if (dice < 95) {
            p->entry.generation = ngx_random() % 1000;
            p->entry.checked_ms = ngx_random() % 100000;
            p->entry.token.len = lens[ngx_random()
                                      % (sizeof(lens) / sizeof(lens[0]))];

            epoch = ngx_cigna_probe_epoch(p);
            failed += ngx_cigna_probe_put_entry(p, epoch) == NGX_ERROR;

        } else {
            ngx_cigna_probe_who(p->entry.name, p->id);
            ngx_cigna_cache_drop(p->zone, &p->key, p->entry.name);
        }
    }

    p->last = ngx_sprintf(p->last, "{\"pid\":%P,\"found\":%ui,\"broken\":%ui,"
                          "\"failed\":%ui}", ngx_pid, found, broken, failed);
}


/* Kills the worker halfway through a change of the slab's lists. */

static void
ngx_cigna_probe_die(ngx_cigna_probe_t *p)
{
    ngx_cigna_zone_lock(p->zone);

    ngx_memset(p->slab->pages, 0xa5, ngx_pagesize);

    (void) kill(ngx_pid, SIGKILL);
    (void) pause();
}


static void
ngx_cigna_probe_count(ngx_cigna_probe_t *p)
{
    ngx_cigna_zone_t      *fixed;
    ngx_cigna_counters_t  *counters;

    fixed = ngx_cigna_zone_fixed(p->zone);
    counters = ngx_cigna_counters(ngx_cigna_zone_row(fixed, 0));

    ngx_cigna_count(counters, ngx_cigna_count_refreshes);
    ngx_cigna_count_outcome(counters, cigna_dance_outcome_connected);

    p->last = ngx_sprintf(p->last, "{\"refreshes\":%uL,\"connected\":%uL,"
                          "\"denied\":%uL}",
                          ngx_cigna_counted(counters,
                                            ngx_cigna_count_refreshes),
                          ngx_cigna_counted_outcome(counters,
                                              cigna_dance_outcome_connected),
                          ngx_cigna_counted_outcome(counters,
                                              cigna_dance_outcome_denied));
}


/* Starts n dances at the time "now", with a limit of 30 a second. */

static void
ngx_cigna_probe_dances(ngx_cigna_probe_t *p)
{
    time_t                 now;
    int64_t                n;
    ngx_uint_t             started;
    ngx_cigna_zone_t      *fixed;
    ngx_cigna_counters_t  *counters;

    fixed = ngx_cigna_zone_fixed(p->zone);
    counters = ngx_cigna_counters(ngx_cigna_zone_row(fixed, 1));
    now = ngx_cigna_probe_arg(p, "now");
    started = 0;

    for (n = ngx_cigna_probe_arg(p, "n"); n; n--) {
        started += ngx_cigna_counters_start_dance(counters, 30, now)
                   == NGX_OK;
    }

    p->last = ngx_sprintf(p->last, "{\"started\":%ui}", started);
}
