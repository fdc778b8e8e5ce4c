
#ifndef _NGX_CIGNA_BLOCK_H_INCLUDED_
#define _NGX_CIGNA_BLOCK_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * A block with directives of its own, which nginx does not know: other modules
 * may have a directive "timeout" as well as "cigna_tenant { timeout 5s; }".  A
 * table has an ngx_command_t for each directive, so that nginx's setters can be
 * used, and an example for the error messages.
 */

typedef struct {
    ngx_command_t             command;     /* type: NGX_CONF_TAKE1 ... only */
    const char               *usage;       /* what follows "write " */
} ngx_cigna_block_command_t;

/* a directive with the name of the field of "options" that it sets */

#define ngx_cigna_block_command(options, name, type, set, post, usage)        \
    { { ngx_string(#name), type, set, 0, offsetof(options, name), post },     \
      usage }

#define ngx_cigna_null_block_command  { ngx_null_command, NULL }


/*
 * Parses up to the closing brace.  conf: the setters' last argument; name: of
 * the block, for errors.  NGX_CONF_OK, or NGX_CONF_ERROR after logging.
 */
char *ngx_cigna_block_parse(ngx_conf_t *cf, const char *name,
    ngx_cigna_block_command_t *commands, void *conf);

/* a setter like ngx_conf_set_enum_slot(), for ngx_cigna_block_parse() */
char *ngx_cigna_block_set_enum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* post handlers; the bounds themselves are allowed */

typedef struct {
    ngx_conf_post_handler_pt  post_handler;
    ngx_int_t                 low;
    ngx_int_t                 high;
} ngx_cigna_block_bounds_t;

/* for ngx_conf_set_num_slot() and ngx_conf_set_msec_slot() */
char *ngx_cigna_block_check_num(ngx_conf_t *cf, void *post, void *data);

/* for ngx_conf_set_sec_slot() */
char *ngx_cigna_block_check_sec(ngx_conf_t *cf, void *post, void *data);


/*
 * A file and line of the configuration, for what can be checked only later:
 * between enter() and leave() ngx_conf_log_error() names this place.
 */

typedef struct {
    ngx_conf_file_t           file;
    ngx_conf_file_t          *left;
    ngx_uint_t                warned;      /* a warning was logged */
} ngx_cigna_place_t;

/* the place that nginx is reading; NULL: no memory */
ngx_cigna_place_t *ngx_cigna_place_create(ngx_conf_t *cf);
void ngx_cigna_place_enter(ngx_conf_t *cf, ngx_cigna_place_t *place);
void ngx_cigna_place_leave(ngx_conf_t *cf, ngx_cigna_place_t *place);


#endif /* _NGX_CIGNA_BLOCK_H_INCLUDED_ */
