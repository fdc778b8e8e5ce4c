
#include "ngx_cigna_block.h"


typedef struct {
    const char                 *name;
    ngx_cigna_block_command_t  *commands;
    void                       *conf;
} ngx_cigna_block_t;


static char *ngx_cigna_block_directive(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static ngx_cigna_block_command_t *ngx_cigna_block_find(
    ngx_cigna_block_t *block, ngx_str_t *name);
static ngx_uint_t ngx_cigna_block_takes(ngx_uint_t type, ngx_uint_t nargs);


char *
ngx_cigna_block_parse(ngx_conf_t *cf, const char *name,
    ngx_cigna_block_command_t *commands, void *conf)
{
    char               *rv;
    ngx_conf_t          save;
    ngx_cigna_block_t   block;

    block.name = name;
    block.commands = commands;
    block.conf = conf;

    save = *cf;
    cf->handler = ngx_cigna_block_directive;
    cf->handler_conf = (void *) &block;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_cigna_block_directive(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_cigna_block_t *block = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_cigna_block_command_t  *found;

    value = cf->args->elts;

    if (cf->args->nelts == 2
        && ngx_strcmp(value[0].data, "include") == 0)
    {
        return ngx_conf_include(cf, dummy, conf);
    }

    found = ngx_cigna_block_find(block, &value[0]);

    if (found == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is unknown in \"%s\"", &value[0],
                           block->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_cigna_block_takes(found->command.type, cf->args->nelts - 1)) {
        rv = found->command.set(cf, &found->command, block->conf);

    } else {
        rv = "has an invalid number of arguments";
    }

    if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
        return rv;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" directive %s in \"%s\", write %s",
                       &value[0], rv, block->name, found->usage);

    return NGX_CONF_ERROR;
}


static ngx_cigna_block_command_t *
ngx_cigna_block_find(ngx_cigna_block_t *block, ngx_str_t *name)
{
    ngx_cigna_block_command_t  *c;

    for (c = block->commands; c->command.name.len; c++) {

        if (c->command.name.len == name->len
            && ngx_strncmp(c->command.name.data, name->data, name->len) == 0)
        {
            return c;
        }
    }

    return NULL;
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


char *
ngx_cigna_block_set_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t        *value;
    ngx_uint_t       *field;
    ngx_conf_enum_t  *e;

    field = (ngx_uint_t *) (p + cmd->offset);

    if (*field != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (e = cmd->post; e->name.len; e++) {

        if (ngx_strcmp(e->name.data, value[1].data) == 0) {
            *field = e->value;
            return NGX_CONF_OK;
        }
    }

    return "has an unknown value";
}


char *
ngx_cigna_block_check_num(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t                 *np = data;
    ngx_cigna_block_bounds_t  *bounds = post;

    return (*np < bounds->low || *np > bounds->high)
           ? "is out of range" : NGX_CONF_OK;
}


char *
ngx_cigna_block_check_sec(ngx_conf_t *cf, void *post, void *data)
{
    time_t                    *sp = data;
    ngx_cigna_block_bounds_t  *bounds = post;

    return (*sp < bounds->low || *sp > bounds->high)
           ? "is out of range" : NGX_CONF_OK;
}


ngx_cigna_place_t *
ngx_cigna_place_create(ngx_conf_t *cf)
{
    ngx_cigna_place_t  *place;

    place = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_place_t));
    if (place == NULL) {
        return NULL;
    }

    /* nginx will have closed the file and freed its buffer */

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
