
#include "ngx_cigna_block.h"


typedef struct {
    const char                 *name;
    ngx_cigna_block_command_t  *commands;
    void                       *conf;
    uint64_t                    seen;      /* a bit for each command that the
                                              block has had so far */
} ngx_cigna_block_t;


static char *ngx_cigna_block_directive(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static char *ngx_cigna_block_set(ngx_conf_t *cf, ngx_cigna_block_t *block,
    ngx_cigna_block_command_t *c);
static ngx_uint_t ngx_cigna_block_takes(ngx_uint_t type, ngx_uint_t nargs);
static ngx_int_t ngx_cigna_block_get(ngx_cigna_block_command_t *c, void *conf);
static void ngx_cigna_block_put(ngx_cigna_block_command_t *c, void *conf,
    ngx_int_t n);


char *
ngx_cigna_block_parse(ngx_conf_t *cf, const char *name,
    ngx_cigna_block_command_t *commands, void *conf)
{
    char                       *rv;
    ngx_conf_t                  save;
    ngx_cigna_block_t           block;
    ngx_cigna_block_command_t  *c;

    for (c = commands; c->command.name.len; c++) {
        ngx_cigna_block_put(c, conf, NGX_CONF_UNSET);
    }

    block.name = name;
    block.commands = commands;
    block.conf = conf;
    block.seen = 0;

    save = *cf;
    cf->handler = ngx_cigna_block_directive;
    cf->handler_conf = (void *) &block;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    for (c = commands; c->command.name.len; c++) {
        if (ngx_cigna_block_get(c, conf) == NGX_CONF_UNSET) {
            ngx_cigna_block_put(c, conf, c->initial);
        }
    }

    return rv;
}


static char *
ngx_cigna_block_directive(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_cigna_block_t *block = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_cigna_block_command_t  *c;

    value = cf->args->elts;

    if (cf->args->nelts == 2
        && ngx_strcmp(value[0].data, "include") == 0)
    {
        return ngx_conf_include(cf, dummy, conf);
    }

    for (c = block->commands; c->command.name.len; c++) {
        if (ngx_strcmp(c->command.name.data, value[0].data) == 0) {
            break;
        }
    }

    if (c->command.name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is unknown in \"%s\"", &value[0],
                           block->name);
        return NGX_CONF_ERROR;
    }

    rv = ngx_cigna_block_set(cf, block, c);

    if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
        return rv;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" directive %s in \"%s\", write %s",
                       &value[0], rv, block->name, c->usage);

    return NGX_CONF_ERROR;
}


static char *
ngx_cigna_block_set(ngx_conf_t *cf, ngx_cigna_block_t *block,
    ngx_cigna_block_command_t *c)
{
    char       *rv;
    uint64_t    bit;
    ngx_int_t   n;

    bit = (uint64_t) 1 << (c - block->commands);

    if (!ngx_cigna_block_takes(c->command.type, cf->args->nelts - 1)) {
        return "has an invalid number of arguments";
    }

    if ((block->seen & bit) && !(c->command.type & NGX_CIGNA_BLOCK_REPEAT)) {
        return "is duplicate";
    }

    block->seen |= bit;

    rv = c->command.set(cf, &c->command, block->conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    n = ngx_cigna_block_get(c, block->conf);

    return (n < c->low || n > c->high) ? "is out of range" : NGX_CONF_OK;
}


static ngx_uint_t
ngx_cigna_block_takes(ngx_uint_t type, ngx_uint_t nargs)
{
    if (type & NGX_CONF_1MORE) {
        return nargs >= 1;
    }

    if (type & NGX_CONF_FLAG) {
        return nargs == 1;
    }

    return nargs < NGX_CONF_MAX_ARGS
           && (type & ((ngx_uint_t) NGX_CONF_NOARGS << nargs));
}


/* returns the number in the directive's field; 0: the field has another type */

static ngx_int_t
ngx_cigna_block_get(ngx_cigna_block_command_t *c, void *conf)
{
    void  *field = (char *) conf + c->command.offset;

    if (c->high == 0) {
        return 0;
    }

    return c->command.set == ngx_conf_set_sec_slot ? *(time_t *) field
                                                   : *(ngx_int_t *) field;
}


static void
ngx_cigna_block_put(ngx_cigna_block_command_t *c, void *conf, ngx_int_t n)
{
    void  *field = (char *) conf + c->command.offset;

    if (c->high == 0) {
        return;
    }

    if (c->command.set == ngx_conf_set_sec_slot) {
        *(time_t *) field = n;

    } else {
        *(ngx_int_t *) field = n;
    }
}


char *
ngx_cigna_block_set_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t        *value;
    ngx_conf_enum_t  *e;

    value = cf->args->elts;

    for (e = cmd->post; e->name.len; e++) {

        if (ngx_strcmp(e->name.data, value[1].data) == 0) {
            *(ngx_uint_t *) (p + cmd->offset) = e->value;
            return NGX_CONF_OK;
        }
    }

    return "has an unknown value";
}


char *
ngx_cigna_block_set_list(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t     *value, *s;
    ngx_uint_t     n;
    ngx_array_t  **a;

    a = (ngx_array_t **) (p + cmd->offset);

    if (*a == NULL) {
        *a = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (*a == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;
    n = cf->args->nelts - 1;

    s = ngx_array_push_n(*a, n);
    if (s == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(s, &value[1], n * sizeof(ngx_str_t));

    return NGX_CONF_OK;
}


ngx_cigna_place_t *
ngx_cigna_place_create(ngx_conf_t *cf)
{
    ngx_cigna_place_t  *place;

    place = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_place_t));
    if (place == NULL) {
        return NULL;
    }

    /*
     * Copies only name and line, because nginx closes the file and frees its
     * buffer before the place is used.
     */

    place->file.file.name = cf->conf_file->file.name;
    place->file.line = cf->conf_file->line;

    return place;
}


void
ngx_cigna_place_enter(ngx_conf_t *cf, ngx_cigna_place_t *place)
{
    place->left = cf->conf_file;
    cf->conf_file = &place->file;
}


void
ngx_cigna_place_leave(ngx_conf_t *cf, ngx_cigna_place_t *place)
{
    cf->conf_file = place->left;
}
