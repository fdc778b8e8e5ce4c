
#ifndef _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_
#define _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "nginx/ngx_cigna_block.h"


/*
 * Notes some directives of other modules, because the modules' configuration
 * structs are private.  While nginx parses http {}, our setter notes each line
 * of such a directive, and then calls the module's own setter.  A level is a
 * block: http, server, location or "if".  All of these directives are inherited
 * in the same way: the lines of a level replace the lines of the levels above.
 */

/* the kind of argument that turns a directive off */

typedef enum {
    ngx_cigna_off_judged = 0,              /* whether the directive is off
                                              depends on other lines, too;
                                              "write" and "why" below are not
                                              used */
    ngx_cigna_off_never,                   /* no argument turns the directive
                                              off */
    ngx_cigna_off_flag,                    /* "off", in any letter case */
    ngx_cigna_off_word,                    /* "off" */
    ngx_cigna_off_empty,                   /* an empty string */
    ngx_cigna_off_zero,                    /* a size of 0 */
    ngx_cigna_off_false,                   /* all arguments are empty or "0" */
    ngx_cigna_off_pagespeed,               /* "off" or "unplugged", in any
                                              letter case */
    ngx_cigna_off_http1                    /* "1.0" or "1.1" */
} ngx_cigna_off_e;


typedef struct {
    const char                *name;
    ngx_cigna_off_e            off;
    const char                *write;      /* a line that turns the directive
                                              off; NULL: no line does */
    const char                *why;        /* reason for the error text; NULL:
                                              the directive changes bodies */
} ngx_cigna_rule_t;


typedef struct ngx_cigna_notice_s   ngx_cigna_notice_t;
typedef struct ngx_cigna_notices_s  ngx_cigna_notices_t;

struct ngx_cigna_notice_s {
    const ngx_cigna_rule_t    *rule;
    ngx_str_t                 *args;       /* args[0]: the directive's name */
    ngx_uint_t                 nargs;
    ngx_cigna_place_t         *place;
    ngx_cigna_notice_t        *next;       /* the next line on the same level */
};


/* the noted lines of one level: http, a server, a location or an "if" */

struct ngx_cigna_notices_s {
    ngx_cigna_notice_t        *first;
    ngx_cigna_notice_t       **last;
    ngx_cigna_notices_t       *above;      /* set when levels are merged */
};


/* the directives that are noted; the last row has no name */
extern const ngx_cigna_rule_t  ngx_cigna_rules[];


/*
 * In preconfiguration: gives other modules copies of their command tables with
 * our setters.  The modules have the copies until ngx_cigna_notice_end(), or
 * until nginx gives up the cycle.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_notice_begin(ngx_conf_t *cf);

/* in postconfiguration: gives the modules their own command tables back */
void ngx_cigna_notice_end(ngx_conf_t *cf);

/* when locations are merged: conf inherits the noted lines of prev */
void ngx_cigna_notice_merge(ngx_cigna_loc_conf_t *prev,
    ngx_cigna_loc_conf_t *conf);

/*
 * A merged location has a directive itself, or inherits it from a level above.
 * ngx_cigna_notice_find() returns the directive's first line on that level, and
 * ngx_cigna_notice_next() returns its next line there.  NULL: there is none.
 */
ngx_cigna_notice_t *ngx_cigna_notice_find(ngx_cigna_loc_conf_t *lcf,
    const char *name);
ngx_cigna_notice_t *ngx_cigna_notice_next(ngx_cigna_notice_t *notice);

/* 1 if the line turns its directive off according to notice->rule */
ngx_uint_t ngx_cigna_notice_is_off(ngx_cigna_notice_t *notice);


#endif /* _NGX_CIGNA_CONF_NOTICE_H_INCLUDED_ */
