
/*
 * A module's command table is never changed in place, because the running cycle
 * may use it, too.  The module gets a copy with our setter, which calls the
 * module's own setter with the original command.  "post" of the copy points to
 * the original.
 */


#include "ngx_cigna_conf_notice.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"


typedef struct {
    ngx_module_t              *module;
    ngx_command_t             *theirs;
    ngx_command_t             *ours;
} ngx_cigna_notice_table_t;


static ngx_int_t ngx_cigna_notice_wrap(ngx_conf_t *cf, ngx_array_t *tables,
    ngx_module_t *module);
static ngx_uint_t ngx_cigna_notice_wanted(ngx_command_t *commands,
    ngx_uint_t *n);
static void ngx_cigna_notice_restore(void *data);
static const ngx_cigna_rule_t *ngx_cigna_notice_rule(const void *name);
static char *ngx_cigna_notice_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_cigna_notice_directive(ngx_conf_t *cf,
    const ngx_cigna_rule_t *rule);
static ngx_cigna_notice_t *ngx_cigna_notice_create(ngx_conf_t *cf,
    const ngx_cigna_rule_t *rule);
static ngx_int_t ngx_cigna_notice_append(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_notice_t *notice);
static ngx_cigna_notice_t *ngx_cigna_notice_from(ngx_cigna_notice_t *notice,
    const ngx_cigna_rule_t *rule);
static ngx_uint_t ngx_cigna_notice_is_false(ngx_str_t *arg, ngx_uint_t n);


/*
 * A row of the table.  "off" is the last part of a name of ngx_cigna_off_e: the
 * argument that turns the directive off, according to its module's source.
 */

#define ngx_cigna_rule(name, off, write, why)                                 \
    { name, ngx_cigna_off_ ## off, write, why }

#define NGX_CIGNA_WHY_KEPT  "which keeps members' data"
#define NGX_CIGNA_WHY_LINES                                                   \
    "which passes on header lines of the FHIR server unread"

const ngx_cigna_rule_t  ngx_cigna_rules[] = {

    /* nginx's own filters of bodies, and "slice" */

    ngx_cigna_rule("ssi", flag, "ssi off;", NULL),
    ngx_cigna_rule("sub_filter", never, NULL, NULL),
    ngx_cigna_rule("add_before_body", empty, "add_before_body \"\";", NULL),
    ngx_cigna_rule("add_after_body", empty, "add_after_body \"\";", NULL),
    ngx_cigna_rule("image_filter", word, "image_filter off;", NULL),
    ngx_cigna_rule("xslt_stylesheet", never, NULL, NULL),
    ngx_cigna_rule("slice", zero, "slice 0;",
                   "whose subrequests get no token"),
    ngx_cigna_rule("js_body_filter", empty, "js_body_filter \"\";", NULL),

    /* other modules' filters of bodies, and directives that keep replies */

    ngx_cigna_rule("subs_filter", never, NULL, NULL),
    ngx_cigna_rule("replace_filter", never, NULL, NULL),
    ngx_cigna_rule("body_filter_by_lua", never, NULL, NULL),
    ngx_cigna_rule("body_filter_by_lua_block", never, NULL, NULL),
    ngx_cigna_rule("body_filter_by_lua_file", never, NULL, NULL),
    ngx_cigna_rule("echo_before_body", never, NULL, NULL),
    ngx_cigna_rule("echo_after_body", never, NULL, NULL),
    ngx_cigna_rule("xss_get", flag, "xss_get off;", NULL),
    ngx_cigna_rule("rds_json", flag, "rds_json off;", NULL),
    ngx_cigna_rule("rds_csv", flag, "rds_csv off;", NULL),
    ngx_cigna_rule("iconv_filter", never, NULL, NULL),
    ngx_cigna_rule("trim", word, "trim off;", NULL),
    ngx_cigna_rule("footer", empty, "footer \"\";", NULL),
    ngx_cigna_rule("strip", flag, "strip off;", NULL),
    ngx_cigna_rule("small_light", flag, "small_light off;", NULL),
    ngx_cigna_rule("pagespeed", pagespeed, "pagespeed unplugged;", NULL),
    ngx_cigna_rule("srcache_fetch", never, NULL, NGX_CIGNA_WHY_KEPT),
    ngx_cigna_rule("srcache_store", never, NULL, NGX_CIGNA_WHY_KEPT),

    /* changes of requests and replies that the gateway does not check */

    ngx_cigna_rule("proxy_http_version", http1, "proxy_http_version 1.1;",
                   "whose requests the gateway cannot read"),
    ngx_cigna_rule("proxy_pass_trailers", flag, "proxy_pass_trailers off;",
                   NGX_CIGNA_WHY_LINES),
    ngx_cigna_rule("early_hints", false, "early_hints 0;",
                   NGX_CIGNA_WHY_LINES),
    ngx_cigna_rule("proxy_set_body", empty, "proxy_set_body \"\";",
                   "and no body ever leaves"),

    /*
     * other files check these directives, together with lines of other
     * directives
     */

    ngx_cigna_rule("charset", judged, NULL, NULL),
    ngx_cigna_rule("charset_map", judged, NULL, NULL),
    ngx_cigna_rule("override_charset", judged, NULL, NULL),
    ngx_cigna_rule("proxy_set_header", judged, NULL, NULL),
    ngx_cigna_rule("source_charset", judged, NULL, NULL),
    ngx_cigna_rule("ssl_verify_client", judged, NULL, NULL),

    { NULL, ngx_cigna_off_judged, NULL, NULL }
};


ngx_int_t
ngx_cigna_notice_begin(ngx_conf_t *cf)
{
    ngx_uint_t              i;
    ngx_array_t            *tables;
    ngx_module_t           *module;
    ngx_pool_cleanup_t     *cln;
    ngx_cigna_main_conf_t  *mcf;

    tables = ngx_array_create(cf->pool, 16, sizeof(ngx_cigna_notice_table_t));
    if (tables == NULL) {
        return NGX_ERROR;
    }

    /*
     * If nginx gives up the cycle, it destroys the pool, and this cleanup gives
     * the modules their tables back.  The cleanups that unload dynamic modules
     * are older, and run after this one.
     */

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_cigna_notice_restore;
    cln->data = tables;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);
    mcf->noticed = tables;

    for (i = 0; cf->cycle->modules[i]; i++) {

        module = cf->cycle->modules[i];

        if (module->type == NGX_HTTP_MODULE && module->commands != NULL
            && ngx_cigna_notice_wrap(cf, tables, module) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_notice_wrap(ngx_conf_t *cf, ngx_array_t *tables,
    ngx_module_t *module)
{
    size_t                     size;
    ngx_uint_t                 i, n;
    ngx_command_t             *ours;
    ngx_cigna_notice_table_t  *table;

    if (!ngx_cigna_notice_wanted(module->commands, &n)) {
        return NGX_OK;
    }

    size = (n + 1) * sizeof(ngx_command_t);

    ours = ngx_palloc(cf->pool, size);
    table = ngx_array_push(tables);

    if (ours == NULL || table == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ours, module->commands, size);

    for (i = 0; i < n; i++) {
        if (ours[i].set != NULL && ngx_cigna_notice_rule(ours[i].name.data)) {
            ours[i].set = ngx_cigna_notice_set;
            ours[i].post = &module->commands[i];
        }
    }

    table->module = module;
    table->theirs = module->commands;
    table->ours = ours;

    module->commands = ours;

    return NGX_OK;
}


/*
 * returns 1 if a rule names at least one of the commands; sets *n to the number
 * of all commands
 */

static ngx_uint_t
ngx_cigna_notice_wanted(ngx_command_t *commands, ngx_uint_t *n)
{
    ngx_uint_t      wanted;
    ngx_command_t  *cmd;

    wanted = 0;

    for (cmd = commands; cmd->name.len; cmd++) {
        if (ngx_cigna_notice_rule(cmd->name.data)) {
            wanted = 1;
        }
    }

    *n = cmd - commands;

    return wanted;
}


void
ngx_cigna_notice_end(ngx_conf_t *cf)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);

    ngx_cigna_notice_restore(mcf->noticed);
}


static void
ngx_cigna_notice_restore(void *data)
{
    ngx_array_t *tables = data;

    ngx_uint_t                 i;
    ngx_cigna_notice_table_t  *table;

    table = tables->elts;

    for (i = 0; i < tables->nelts; i++) {
        if (table[i].module->commands == table[i].ours) {
            table[i].module->commands = table[i].theirs;
        }
    }

    tables->nelts = 0;
}


static const ngx_cigna_rule_t *
ngx_cigna_notice_rule(const void *name)
{
    const ngx_cigna_rule_t  *rule;

    for (rule = ngx_cigna_rules; rule->name; rule++) {
        if (ngx_strcmp(rule->name, name) == 0) {
            return rule;
        }
    }

    return NULL;
}


static char *
ngx_cigna_notice_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_command_t  *original;

    if (ngx_cigna_notice_directive(cf, ngx_cigna_notice_rule(cmd->name.data))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    original = cmd->post;

    return original->set(cf, original, conf);
}


static ngx_int_t
ngx_cigna_notice_directive(ngx_conf_t *cf, const ngx_cigna_rule_t *rule)
{
    ngx_cigna_notice_t    *notice;
    ngx_cigna_loc_conf_t  *lcf;

    /*
     * a line "pagespeed" with more than one argument does not turn the module
     * on
     */

    if (rule->off == ngx_cigna_off_pagespeed && cf->args->nelts != 2) {
        return NGX_OK;
    }

    lcf = ngx_http_conf_get_module_loc_conf(cf, ngx_cigna_module);

    notice = ngx_cigna_notice_create(cf, rule);

    return notice ? ngx_cigna_notice_append(cf, lcf, notice) : NGX_ERROR;
}


static ngx_cigna_notice_t *
ngx_cigna_notice_create(ngx_conf_t *cf, const ngx_cigna_rule_t *rule)
{
    size_t               size;
    ngx_cigna_notice_t  *notice;

    size = cf->args->nelts * sizeof(ngx_str_t);

    notice = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_notice_t));
    if (notice == NULL) {
        return NULL;
    }

    notice->args = ngx_palloc(cf->pool, size);
    notice->place = ngx_cigna_place_create(cf);

    if (notice->args == NULL || notice->place == NULL) {
        return NULL;
    }

    /* nginx reuses the array cf->args for the next line, but not its strings */

    ngx_memcpy(notice->args, cf->args->elts, size);

    notice->nargs = cf->args->nelts;
    notice->rule = rule;

    return notice;
}


static ngx_int_t
ngx_cigna_notice_append(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_notice_t *notice)
{
    if (lcf->notices == NULL) {

        lcf->notices = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_notices_t));
        if (lcf->notices == NULL) {
            return NGX_ERROR;
        }

        lcf->notices->last = &lcf->notices->first;
    }

    *lcf->notices->last = notice;
    lcf->notices->last = &notice->next;

    return NGX_OK;
}


void
ngx_cigna_notice_merge(ngx_cigna_loc_conf_t *prev, ngx_cigna_loc_conf_t *conf)
{
    if (conf->notices == NULL) {
        conf->notices = prev->notices;

    } else {
        conf->notices->above = prev->notices;
    }
}


ngx_cigna_notice_t *
ngx_cigna_notice_find(ngx_cigna_loc_conf_t *lcf, const char *name)
{
    ngx_cigna_notice_t      *notice;
    ngx_cigna_notices_t     *level;
    const ngx_cigna_rule_t  *rule;

    rule = ngx_cigna_notice_rule(name);

    for (level = lcf->notices; level; level = level->above) {

        notice = ngx_cigna_notice_from(level->first, rule);

        if (notice != NULL) {
            return notice;
        }
    }

    return NULL;
}


ngx_cigna_notice_t *
ngx_cigna_notice_next(ngx_cigna_notice_t *notice)
{
    return ngx_cigna_notice_from(notice->next, notice->rule);
}


static ngx_cigna_notice_t *
ngx_cigna_notice_from(ngx_cigna_notice_t *notice, const ngx_cigna_rule_t *rule)
{
    while (notice && notice->rule != rule) {
        notice = notice->next;
    }

    return notice;
}


ngx_uint_t
ngx_cigna_notice_is_off(ngx_cigna_notice_t *notice)
{
    ngx_str_t  *arg;

    /* another module may have a directive of this name without arguments */

    if (notice->nargs < 2) {
        return 0;
    }

    arg = &notice->args[1];

    switch (notice->rule->off) {

    case ngx_cigna_off_flag:
        return ngx_strcasecmp(arg->data, (u_char *) "off") == 0;

    case ngx_cigna_off_word:
        return ngx_strcmp(arg->data, "off") == 0;

    case ngx_cigna_off_empty:
        return arg->len == 0;

    case ngx_cigna_off_zero:
        return ngx_parse_size(arg) == 0;

    case ngx_cigna_off_false:
        return ngx_cigna_notice_is_false(arg, notice->nargs - 1);

    case ngx_cigna_off_pagespeed:
        return ngx_strcasecmp(arg->data, (u_char *) "off") == 0
               || ngx_strcasecmp(arg->data, (u_char *) "unplugged") == 0;

    case ngx_cigna_off_http1:
        return ngx_strcmp(arg->data, "1.0") == 0
               || ngx_strcmp(arg->data, "1.1") == 0;

    default: /* ngx_cigna_off_judged, ngx_cigna_off_never */
        return 0;
    }
}


static ngx_uint_t
ngx_cigna_notice_is_false(ngx_str_t *arg, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (arg[i].len && ngx_strcmp(arg[i].data, "0") != 0) {
            return 0;
        }
    }

    return 1;
}
