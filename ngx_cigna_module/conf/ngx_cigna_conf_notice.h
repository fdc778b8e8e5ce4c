
#ifndef _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_
#define _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "nginx/ngx_cigna_block.h"


/*
 * Directives of other modules.  Their configuration is private to them, so
 * while http {} is parsed their directives are noticed, level by level, before
 * the modules themselves see them.  All of these directives are inherited in
 * the same way: the lines of a level replace those of the levels above it.
 */

/* which arguments turn a directive off */

typedef enum {
    ngx_cigna_off_judged = 0,              /* not judged by the table alone */
    ngx_cigna_off_never,
    ngx_cigna_off_flag,                    /* "off", in either case */
    ngx_cigna_off_word,                    /* "off" */
    ngx_cigna_off_empty,                   /* an empty string */
    ngx_cigna_off_zero,                    /* a size of nothing */
    ngx_cigna_off_false,                   /* empty strings and "0" only */
    ngx_cigna_off_pagespeed,               /* "off" or "unplugged" */
    ngx_cigna_off_http1                    /* "1.0" or "1.1" */
} ngx_cigna_off_e;


typedef struct {
    ngx_str_t                  name;
    ngx_cigna_off_e            off;
    const char                *write;      /* what turns it off; NULL: nothing
                                              does */
    const char                *why;        /* NULL: it is about bodies */
} ngx_cigna_rule_t;


typedef struct ngx_cigna_notice_s   ngx_cigna_notice_t;
typedef struct ngx_cigna_notices_s  ngx_cigna_notices_t;

struct ngx_cigna_notice_s {
    const ngx_cigna_rule_t    *rule;
    ngx_str_t                 *args;       /* the first is the name */
    ngx_uint_t                 nargs;
    ngx_cigna_place_t         *place;
    ngx_cigna_notice_t        *next;       /* on the same level */
};


/* of one level */

struct ngx_cigna_notices_s {
    ngx_cigna_notice_t        *first;
    ngx_cigna_notice_t       **last;
    ngx_cigna_notices_t       *above;      /* set by the merge */
};


/* ends with an empty name */
extern const ngx_cigna_rule_t  ngx_cigna_rules[];


/*
 * In preconfiguration: other modules get command tables whose setters are
 * ours, until ngx_cigna_notice_end() in postconfiguration, or until the cycle
 * is given up.
 */
ngx_int_t ngx_cigna_notice_begin(ngx_conf_t *cf);
void ngx_cigna_notice_end(ngx_conf_t *cf);

void ngx_cigna_notice_merge(ngx_cigna_loc_conf_t *prev,
    ngx_cigna_loc_conf_t *conf);

/*
 * Of the level that decides about a merged location: the first line of a
 * directive, and the line of the same directive behind another one.  NULL:
 * there is none.
 */
ngx_cigna_notice_t *ngx_cigna_notice_find(ngx_cigna_loc_conf_t *lcf,
    const ngx_str_t *name);
ngx_cigna_notice_t *ngx_cigna_notice_next(ngx_cigna_notice_t *notice);

/* whether the line turns its directive off, by its rule */
ngx_uint_t ngx_cigna_notice_is_off(ngx_cigna_notice_t *notice);


#endif /* _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_ */
