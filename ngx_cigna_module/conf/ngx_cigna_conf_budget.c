
#include "ngx_cigna_conf_budget.h"
#include "gateway/ngx_cigna_budget_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "nginx/ngx_cigna_block.h"
#include "gateway/ngx_cigna_tenant.h"
#include "budget/cigna_budget_plan.h"


#define NGX_CIGNA_BUDGET_DELAY_MAX   10000 /* ms */


/* bits: the parameters that a directive may have, or that a line has */

#define NGX_CIGNA_BUDGET_RATE        0x01
#define NGX_CIGNA_BUDGET_BURST       0x02
#define NGX_CIGNA_BUDGET_MINIMUM     0x04
#define NGX_CIGNA_BUDGET_DELAY       0x08
#define NGX_CIGNA_BUDGET_LEASE       0x10
#define NGX_CIGNA_BUDGET_OUTAGE      0x20
#define NGX_CIGNA_BUDGET_DRY_RUN     0x40
#define NGX_CIGNA_BUDGET_METADATA    0x80

#define NGX_CIGNA_BUDGET_OF_GATEWAY                                           \
    (NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_DELAY      \
     |NGX_CIGNA_BUDGET_LEASE|NGX_CIGNA_BUDGET_OUTAGE|NGX_CIGNA_BUDGET_DRY_RUN \
     |NGX_CIGNA_BUDGET_METADATA)

#define NGX_CIGNA_BUDGET_OF_TENANT                                            \
    (NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_MINIMUM    \
     |NGX_CIGNA_BUDGET_DELAY|NGX_CIGNA_BUDGET_DRY_RUN                         \
     |NGX_CIGNA_BUDGET_METADATA)

#define NGX_CIGNA_BUDGET_OF_MEMBER                                            \
    (NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_DRY_RUN)

#define NGX_CIGNA_BUDGET_OF_DANCES                                            \
    (NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST)


typedef struct {
    ngx_str_t       name;                  /* with the "=" */
    ngx_uint_t      parameter;
    size_t          offset;                /* of the field that "set" fills */
    ngx_int_t     (*set)(void *field, ngx_str_t *text, ngx_int_t low,
                        ngx_int_t high);
    ngx_int_t       low;
    ngx_int_t       high;
    const char     *error;
} ngx_cigna_conf_budget_parameter_t;


static char *ngx_cigna_conf_budget_member(ngx_conf_t *cf, ngx_command_t *cmd,
    char *conf, ngx_uint_t allowed);
static const char *ngx_cigna_conf_budget_parse(ngx_conf_t *cf,
    ngx_cigna_budget_conf_t *b, ngx_uint_t allowed);
static const char *ngx_cigna_conf_budget_one(ngx_cigna_budget_conf_t *b,
    ngx_str_t *value, ngx_uint_t allowed);
static ngx_int_t ngx_cigna_conf_budget_rate(void *field, ngx_str_t *text,
    ngx_int_t low, ngx_int_t high);
static ngx_int_t ngx_cigna_conf_budget_number(void *field, ngx_str_t *text,
    ngx_int_t low, ngx_int_t high);
static ngx_int_t ngx_cigna_conf_budget_time(void *field, ngx_str_t *text,
    ngx_int_t low, ngx_int_t high);
static ngx_int_t ngx_cigna_conf_budget_outage(void *field, ngx_str_t *text,
    ngx_int_t low, ngx_int_t high);
static ngx_int_t ngx_cigna_conf_budget_flag(void *field, ngx_str_t *text,
    ngx_int_t low, ngx_int_t high);
static ngx_int_t ngx_cigna_conf_budget_alone(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_budget_plan(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);
static void ngx_cigna_conf_budget_of(const ngx_cigna_tenant_t *tenant,
    cigna_budget_tenant_conf_t *conf);
static void ngx_cigna_conf_budget_bad(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf, ngx_uint_t bad, const char *error);


#define ngx_cigna_conf_budget_parameter(name, flag, field, set, low, high,    \
                                        error)                                \
    { ngx_string(name), NGX_CIGNA_BUDGET_ ## flag,                            \
      offsetof(ngx_cigna_budget_conf_t, field),                               \
      ngx_cigna_conf_budget_ ## set, low, high, "has an " error }

static ngx_cigna_conf_budget_parameter_t  ngx_cigna_conf_budget_parameters[] =
{
    ngx_cigna_conf_budget_parameter("rate=", RATE, rate, rate, 0, 0,
        "invalid rate (1 to 100000 r/s, r/m or r/d)"),

    ngx_cigna_conf_budget_parameter("burst=", BURST, burst, number,
        1, CIGNA_BUDGET_BURST_MAX, "invalid burst (1 to 1000000)"),

    ngx_cigna_conf_budget_parameter("minimum=", MINIMUM, minimum, rate, 0, 0,
        "invalid minimum (1 to 100000 r/s, r/m or r/d)"),

    ngx_cigna_conf_budget_parameter("metadata=", METADATA, metadata, rate, 0, 0,
        "invalid metadata (1 to 100000 r/s, r/m or r/d)"),

    ngx_cigna_conf_budget_parameter("delay=", DELAY, delay, time,
        0, NGX_CIGNA_BUDGET_DELAY_MAX, "invalid delay (0 to 10s)"),

    ngx_cigna_conf_budget_parameter("lease=", LEASE, lease, time,
        CIGNA_BUDGET_LEASE_MIN_MS, CIGNA_BUDGET_LEASE_MAX_MS,
        "invalid lease (20ms to 1s)"),

    ngx_cigna_conf_budget_parameter("outage=", OUTAGE, outage, outage, 0, 0,
        "unknown outage (local, open or closed)"),

    ngx_cigna_conf_budget_parameter("dry_run", DRY_RUN, dry_run, flag, 0, 0,
        "unknown parameter"),

    { ngx_null_string, 0, 0, NULL, 0, 0, NULL }
};


char *
ngx_cigna_conf_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    const char  *error;

    if (mcf->budget.place) {
        return "is duplicate";
    }

    error = ngx_cigna_conf_budget_parse(cf, &mcf->budget,
                                        NGX_CIGNA_BUDGET_OF_GATEWAY);
    if (error == NULL || error == NGX_CONF_ERROR) {
        return (char *) error;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"cigna_budget\" directive %s, write \"cigna_budget "
                       "rate=100r/s burst=100 delay=500ms lease=50ms "
                       "outage=local metadata=5r/s dry_run;\", any of these",
                       error);

    return NGX_CONF_ERROR;
}


char *
ngx_cigna_conf_tenant_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_cigna_budget_conf_t  *b;

    b = (ngx_cigna_budget_conf_t *) (p + cmd->offset);

    if (b->place) {
        return "is duplicate";
    }

    return (char *) ngx_cigna_conf_budget_parse(cf, b,
                                                NGX_CIGNA_BUDGET_OF_TENANT);
}


char *
ngx_cigna_conf_member_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_cigna_conf_budget_member(cf, cmd, conf,
                                        NGX_CIGNA_BUDGET_OF_MEMBER);
}


char *
ngx_cigna_conf_member_dances(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_cigna_conf_budget_member(cf, cmd, conf,
                                        NGX_CIGNA_BUDGET_OF_DANCES);
}


static char *
ngx_cigna_conf_budget_member(ngx_conf_t *cf, ngx_command_t *cmd, char *conf,
    ngx_uint_t allowed)
{
    const char               *error;
    ngx_cigna_budget_conf_t  *b;

    b = (ngx_cigna_budget_conf_t *) (conf + cmd->offset);

    if (b->place) {
        return "is duplicate";
    }

    error = ngx_cigna_conf_budget_parse(cf, b, allowed);

    if (error == NULL && !(b->given & NGX_CIGNA_BUDGET_RATE)) {
        error = "lacks a rate";
    }

    return (char *) error;
}


/* returns NULL on success, NGX_CONF_ERROR, or an error text */

static const char *
ngx_cigna_conf_budget_parse(ngx_conf_t *cf, ngx_cigna_budget_conf_t *b,
    ngx_uint_t allowed)
{
    ngx_str_t   *value;
    ngx_uint_t   i;
    const char  *error;

    b->lease = CIGNA_BUDGET_LEASE_MS;
    b->place = ngx_cigna_place_create(cf);
    if (b->place == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        error = ngx_cigna_conf_budget_one(b, &value[i], allowed);

        if (error) {
            return error;
        }
    }

    if ((b->given & NGX_CIGNA_BUDGET_BURST)
        && !(b->given & NGX_CIGNA_BUDGET_RATE))
    {
        return "has a burst and no rate";
    }

    return NULL;
}


static const char *
ngx_cigna_conf_budget_one(ngx_cigna_budget_conf_t *b, ngx_str_t *value,
    ngx_uint_t allowed)
{
    ngx_str_t                           text;
    ngx_cigna_conf_budget_parameter_t  *p;

    for (p = ngx_cigna_conf_budget_parameters; p->name.len; p++) {

        if (value->len < p->name.len
            || ngx_strncmp(value->data, p->name.data, p->name.len) != 0)
        {
            continue;
        }

        if (!(p->parameter & allowed)) {
            return p->parameter == NGX_CIGNA_BUDGET_METADATA
                   ? "has \"metadata=\", which belongs to \"cigna_budget\" or "
                     "\"budget\""
                   : "has an unknown parameter";
        }

        if (b->given & p->parameter) {
            return "has a parameter twice";
        }

        b->given |= p->parameter;

        text.data = value->data + p->name.len;
        text.len = value->len - p->name.len;

        return p->set((u_char *) b + p->offset, &text, p->low, p->high)
               == NGX_OK ? NULL : p->error;
    }

    return "has an unknown parameter";
}


static ngx_int_t
ngx_cigna_conf_budget_rate(void *field, ngx_str_t *text, ngx_int_t low,
    ngx_int_t high)
{
    return cigna_rate_parse(ngx_cigna_slice(text), field) == CIGNA_OK
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_cigna_conf_budget_number(void *field, ngx_str_t *text, ngx_int_t low,
    ngx_int_t high)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    *(ngx_uint_t *) field = n;

    return n >= low && n <= high ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_cigna_conf_budget_time(void *field, ngx_str_t *text, ngx_int_t low,
    ngx_int_t high)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(text, 0);

    *(ngx_msec_t *) field = ms;

    return ms >= low && ms <= high ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_cigna_conf_budget_outage(void *field, ngx_str_t *text, ngx_int_t low,
    ngx_int_t high)
{
    ngx_uint_t  i;

    static const ngx_str_t  names[] = {    /* order: cigna_budget_outage_e */
        ngx_string("local"),
        ngx_string("open"),
        ngx_string("closed")
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (names[i].len == text->len
            && ngx_strncmp(names[i].data, text->data, text->len) == 0)
        {
            *(ngx_uint_t *) field = i;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_cigna_conf_budget_flag(void *field, ngx_str_t *text, ngx_int_t low,
    ngx_int_t high)
{
    *(ngx_uint_t *) field = 1;

    return text->len == 0 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_cigna_conf_budgets_init(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i;
    ngx_cigna_tenant_t  **tenants;

    if (mcf->budget.place) {
        return ngx_cigna_conf_budget_plan(cf, mcf);
    }

    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {
        if (ngx_cigna_conf_budget_alone(cf, tenants[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* refuses a budget of a tenant where the http block has no "cigna_budget" */

static ngx_int_t
ngx_cigna_conf_budget_alone(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant)
{
    ngx_cigna_place_t  *place;

    place = tenant->budget_conf.place ? tenant->budget_conf.place
                                 : tenant->member_budget_conf.place;
    if (place == NULL) {
        return NGX_OK;
    }

    ngx_cigna_place_enter(cf, place);

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s\" of \"cigna_tenant\" \"%V\" needs budgets to be "
                       "on, write \"cigna_budget;\" or \"cigna_budget "
                       "rate=100r/s;\" in the block \"http\"",
                       tenant->budget_conf.place ? "budget" : "member_budget",
                       &tenant->name);

    ngx_cigna_place_leave(cf, place);

    return NGX_ERROR;
}


static ngx_int_t
ngx_cigna_conf_budget_plan(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    unsigned                      bad;
    ngx_uint_t                    i, n;
    const char                   *error;
    ngx_cigna_tenant_t          **tenants;
    cigna_budget_plan_t          *plans;
    cigna_budget_tenant_conf_t   *confs;
    cigna_budget_gateway_conf_t   gateway;

    n = mcf->tenants.nelts;
    tenants = mcf->tenants.elts;

    plans = ngx_pcalloc(cf->temp_pool, n * sizeof(cigna_budget_plan_t));
    confs = ngx_pcalloc(cf->temp_pool, n * sizeof(cigna_budget_tenant_conf_t));

    if (plans == NULL || confs == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&gateway, sizeof(cigna_budget_gateway_conf_t));

    gateway.rate = mcf->budget.rate;
    gateway.burst = mcf->budget.burst;
    gateway.metadata = mcf->budget.metadata;
    gateway.lease_ms = mcf->budget.lease;
    gateway.outage = mcf->budget.outage;
    gateway.dry_run = mcf->budget.dry_run;

    for (i = 0; i < n; i++) {
        ngx_cigna_conf_budget_of(tenants[i], &confs[i]);
    }

    if (cigna_budget_plan(&gateway, confs, n, plans, &bad, &error)
        != CIGNA_OK)
    {
        ngx_cigna_conf_budget_bad(cf, mcf, bad, error);
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        tenants[i]->plan = plans[i];

        if (!(tenants[i]->budget_conf.given & NGX_CIGNA_BUDGET_DELAY)) {
            tenants[i]->budget_conf.delay = mcf->budget.delay;
        }
    }

    return NGX_OK;
}


static void
ngx_cigna_conf_budget_of(const ngx_cigna_tenant_t *tenant,
    cigna_budget_tenant_conf_t *conf)
{
    conf->rate = tenant->budget_conf.rate;
    conf->burst = tenant->budget_conf.burst;
    conf->minimum = tenant->budget_conf.minimum;
    conf->metadata = tenant->budget_conf.metadata;
    conf->dry_run = tenant->budget_conf.dry_run;

    conf->member_rate = tenant->member_budget_conf.rate;
    conf->member_burst = tenant->member_budget_conf.burst;
    conf->member_dry_run = tenant->member_budget_conf.dry_run;
}


static void
ngx_cigna_conf_budget_bad(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_uint_t bad, const char *error)
{
    ngx_cigna_place_t    *place;
    ngx_cigna_tenant_t   *tenant;

    tenant = NULL;
    place = mcf->budget.place;

    if (bad < mcf->tenants.nelts) {
        tenant = ((ngx_cigna_tenant_t **) mcf->tenants.elts)[bad];

        place = tenant->budget_conf.place ? tenant->budget_conf.place
                                     : tenant->member_budget_conf.place;
    }

    if (place) {
        ngx_cigna_place_enter(cf, place);
    }

    if (tenant) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the budgets of \"cigna_tenant\" \"%V\" do not "
                           "work: %s", &tenant->name, error);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cigna_budget\" does not work: %s", error);
    }

    if (place) {
        ngx_cigna_place_leave(cf, place);
    }
}
