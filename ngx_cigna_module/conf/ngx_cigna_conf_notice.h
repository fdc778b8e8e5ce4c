
#ifndef _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_
#define _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "nginx/ngx_cigna_block.h"


/*
 * Directives of other modules, whose configuration is private to them.  While
 * nginx parses http {}, our setters note these directives on each level, and
 * then call the modules' own.  All of these directives are inherited in the
 * same way: the lines of a level replace those of the levels above it.
 */

/* which arguments turn a directive off */

typedef enum {
    ngx_cigna_off_judged = 0,              /* the table alone does not tell */
    ngx_cigna_off_never,
    ngx_cigna_off_flag,                    /* "off", in either case */
    ngx_cigna_off_word,                    /* "off" */
    ngx_cigna_off_empty,                   /* an empty string */
    ngx_cigna_off_zero,                    /* a size of 0 */
    ngx_cigna_off_false,                   /* empty strings and "0" only */
    ngx_cigna_off_pagespeed,               /* "off" or "unplugged" */
    ngx_cigna_off_http1                    /* "1.0" or "1.1" */
} ngx_cigna_off_e;


typedef struct {
    ngx_str_t                  name;
    ngx_cigna_off_e            off;
    const char                *write;      /* the line that turns it off; NULL:
                                              none does */
    const char                *why;        /* reason for the error text; NULL:
                                              it changes bodies */
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
 * In preconfiguration: gives other modules command tables with our setters,
 * until ngx_cigna_notice_end(), or until nginx gives up the cycle.  NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_cigna_notice_begin(ngx_conf_t *cf);

/* in postconfiguration */
void ngx_cigna_notice_end(ngx_conf_t *cf);

/* when locations are merged */
void ngx_cigna_notice_merge(ngx_cigna_loc_conf_t *prev,
    ngx_cigna_loc_conf_t *conf);

/*
 * The first line of a directive on the level that a merged location inherits it
 * from, and the next line of the same directive there.  NULL: none.
 */
ngx_cigna_notice_t *ngx_cigna_notice_find(ngx_cigna_loc_conf_t *lcf,
    const ngx_str_t *name);
ngx_cigna_notice_t *ngx_cigna_notice_next(ngx_cigna_notice_t *notice);

/* 1 if the line turns its directive off, by the rule */
ngx_uint_t ngx_cigna_notice_is_off(ngx_cigna_notice_t *notice);


#endif /* _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_ */
