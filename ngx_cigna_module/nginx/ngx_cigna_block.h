
#ifndef _NGX_CIGNA_BLOCK_H_INCLUDED_
#define _NGX_CIGNA_BLOCK_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * A block whose directives are known inside the block only.  So another module
 * may have a directive "timeout", too, without a conflict with "cigna_tenant {
 * timeout 5s; }".  A table lists the directives of a block.  Each line has an
 * ngx_command_t, so that nginx's setters can be used, and an example for error
 * messages.
 */

typedef struct {
    ngx_command_t             command;     /* type: NGX_CONF_TAKE1 ... only */
    const char               *usage;       /* example; errors end with it */
} ngx_cigna_block_command_t;

/* a directive that sets the field of the same name in the struct "options" */

#define ngx_cigna_block_command(options, name, type, set, post, usage)        \
    { { ngx_string(#name), type, set, 0, offsetof(options, name), post },     \
      usage }

#define ngx_cigna_null_block_command  { ngx_null_command, NULL }


/*
 * Parses up to the closing brace.  conf is passed to the setters.  name is the
 * block's, for error messages.  Returns NGX_CONF_OK, or NGX_CONF_ERROR after
 * logging the error.
 */
char *ngx_cigna_block_parse(ngx_conf_t *cf, const char *name,
    ngx_cigna_block_command_t *commands, void *conf);

/* a setter like ngx_conf_set_enum_slot(), for ngx_cigna_block_parse() */
char *ngx_cigna_block_set_enum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* post handlers that refuse a value below "low" or above "high" */

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
 * A file and line of the configuration.  It is kept for checks that run after
 * nginx has read on: between enter() and leave() ngx_conf_log_error() names
 * this place.
 */

typedef struct {
    ngx_conf_file_t           file;
    ngx_conf_file_t          *left;
    ngx_uint_t                warned;      /* a warning was logged */
} ngx_cigna_place_t;

/* returns the place that nginx reads at present; NULL: no memory */
ngx_cigna_place_t *ngx_cigna_place_create(ngx_conf_t *cf);
void ngx_cigna_place_enter(ngx_conf_t *cf, ngx_cigna_place_t *place);
void ngx_cigna_place_leave(ngx_conf_t *cf, ngx_cigna_place_t *place);


#endif /* _NGX_CIGNA_BLOCK_H_INCLUDED_ */
