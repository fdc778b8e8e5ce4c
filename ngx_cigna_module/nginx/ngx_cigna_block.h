
#ifndef _NGX_CIGNA_BLOCK_H_INCLUDED_
#define _NGX_CIGNA_BLOCK_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * A block of directives that are no directives of nginx, so that
 * "cigna_tenant { timeout 5s; }" does not take a name from everybody else.
 * Its table holds nginx's own commands, and with them nginx's setters; beside
 * each stands what to write, for the error messages.
 */

typedef struct {
    ngx_command_t             command;     /* type: NGX_CONF_TAKE1 ... only */
    const char               *usage;       /* what follows "write " */
} ngx_cigna_block_command_t;

/* of a directive that is named as the field of "options" which it sets */

#define ngx_cigna_block_command(options, name, type, set, post, usage)        \
    { { ngx_string(#name), type, set, 0, offsetof(options, name), post },     \
      usage }

#define ngx_cigna_null_block_command  { ngx_null_command, NULL }


/* parses up to the closing brace into conf; name: of the block, for errors */
char *ngx_cigna_block_parse(ngx_conf_t *cf, const char *name,
    ngx_cigna_block_command_t *commands, void *conf);

/* a setter like ngx_conf_set_enum_slot(), with our error messages */
char *ngx_cigna_block_set_enum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* post handlers; both bounds are allowed values */

typedef struct {
    ngx_conf_post_handler_pt  post_handler;
    ngx_int_t                 low;
    ngx_int_t                 high;
} ngx_cigna_block_bounds_t;

/* of ngx_conf_set_num_slot() and ngx_conf_set_msec_slot() */
char *ngx_cigna_block_check_num(ngx_conf_t *cf, void *post, void *data);

/* of ngx_conf_set_sec_slot() */
char *ngx_cigna_block_check_sec(ngx_conf_t *cf, void *post, void *data);


/*
 * Where in the configuration something is written.  While a place is entered,
 * ngx_conf_log_error() names it, for what can be checked later only.
 */

typedef struct {
    ngx_conf_file_t           file;
    ngx_conf_file_t          *left;
    ngx_uint_t                warned;      /* for whoever warns but once */
} ngx_cigna_place_t;

ngx_cigna_place_t *ngx_cigna_place_create(ngx_conf_t *cf);
void ngx_cigna_place_enter(ngx_conf_t *cf, ngx_cigna_place_t *place);
void ngx_cigna_place_leave(ngx_conf_t *cf, ngx_cigna_place_t *place);


#endif /* _NGX_CIGNA_BLOCK_H_INCLUDED_ */
