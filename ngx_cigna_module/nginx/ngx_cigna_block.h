
#ifndef _NGX_CIGNA_BLOCK_H_INCLUDED_
#define _NGX_CIGNA_BLOCK_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * A block whose directives are known inside the block only.  So another module
 * may have a directive "timeout", too, without a conflict with "cigna_tenant {
 * timeout 5s; }".  A table lists the directives of a block.  Each row of the
 * table has an ngx_command_t, so that nginx's setters can be used, and an
 * example for error messages.
 */

typedef struct {
    ngx_command_t             command;     /* type: only the number of arguments
                                              (NGX_CONF_TAKE1 and so on) and
                                              NGX_CIGNA_BLOCK_REPEAT */
    const char               *usage;       /* example; errors end with it */

    /* for a number: its bounds, and its value if the directive is absent */
    ngx_int_t                 low;
    ngx_int_t                 high;        /* 0: the field is not a number */
    ngx_int_t                 initial;
} ngx_cigna_block_command_t;

/* a flag in "type": a block may have the directive several times */

#define NGX_CIGNA_BLOCK_REPEAT  0x80000000

/*
 * Directives that set the field of the same name in the struct "options".  A
 * number's field is a time_t if ngx_conf_set_sec_slot() sets it, and otherwise
 * as large as an ngx_int_t: an ngx_flag_t, ngx_msec_t or ngx_uint_t.
 */

#define ngx_cigna_block_command(options, name, type, set, post, usage)        \
    ngx_cigna_block_number(options, name, type, set, post, 0, 0, 0, usage)

#define ngx_cigna_block_number(options, name, type, set, post, low, high,     \
                               initial, usage)                                \
    { { ngx_string(#name), type, set, 0, offsetof(options, name), post },     \
      usage, low, high, initial }

#define ngx_cigna_null_block_command  { ngx_null_command, NULL, 0, 0, 0 }


/*
 * Parses up to the closing brace.  conf is the struct that the setters fill;
 * the caller has zeroed it.  Numbers are NGX_CONF_UNSET until a directive sets
 * them.  At the end each number without a directive gets its initial value.
 * name is the name of the block, for error messages.  Returns NGX_CONF_OK, or
 * NGX_CONF_ERROR after logging the error.
 */
char *ngx_cigna_block_parse(ngx_conf_t *cf, const char *name,
    ngx_cigna_block_command_t *commands, void *conf);

/* setters like nginx's, for ngx_cigna_block_parse() */

/* sets a number; cmd->post is a table of words (ngx_conf_enum_t) */
char *ngx_cigna_block_set_enum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* adds the line's arguments to an array of ngx_str_t */
char *ngx_cigna_block_set_list(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* logs an error in the configuration; the expression's value is NGX_ERROR */

#define ngx_cigna_conf_error(cf, ...)                                         \
    (ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, __VA_ARGS__), NGX_ERROR)


/*
 * A file and line of the configuration.  Checks that run later use it: between
 * enter() and leave() ngx_conf_log_error() names this place.
 */

typedef struct {
    ngx_conf_file_t           file;
    ngx_conf_file_t          *left;        /* nginx's own place, between enter()
                                              and leave() */
    ngx_uint_t                warned;      /* a warning about this place was
                                              logged */
} ngx_cigna_place_t;

/* returns the place that nginx reads at present; NULL: no memory */
ngx_cigna_place_t *ngx_cigna_place_create(ngx_conf_t *cf);
void ngx_cigna_place_enter(ngx_conf_t *cf, ngx_cigna_place_t *place);
void ngx_cigna_place_leave(ngx_conf_t *cf, ngx_cigna_place_t *place);


#endif /* _NGX_CIGNA_BLOCK_H_INCLUDED_ */
