
#include "ngx_cigna_conf_budget.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"


#define NGX_CIGNA_BUDGET_DELAY_MAX   10000 /* ms */


/* a bit for each parameter: sets of bits say what is allowed, or was given */

#define NGX_CIGNA_BUDGET_RATE        0x01
#define NGX_CIGNA_BUDGET_BURST       0x02
#define NGX_CIGNA_BUDGET_MINIMUM     0x04
#define NGX_CIGNA_BUDGET_DELAY       0x08
#define NGX_CIGNA_BUDGET_LEASE       0x10
#define NGX_CIGNA_BUDGET_OUTAGE      0x20
#define NGX_CIGNA_BUDGET_DRY_RUN     0x40
#define NGX_CIGNA_BUDGET_METADATA    0x80
#define NGX_CIGNA_BUDGET_NEEDS_RATE  0x100 /* the directive needs a rate */


typedef enum {
    ngx_cigna_conf_budget_rate = 0,
    ngx_cigna_conf_budget_number,
    ngx_cigna_conf_budget_time,
    ngx_cigna_conf_budget_outage,
    ngx_cigna_conf_budget_flag             /* without a value */
} ngx_cigna_conf_budget_e;


typedef struct {
    ngx_str_t                  name;       /* ends with "=" if the parameter has
                                              a value */
    ngx_uint_t                 parameter;  /* the parameter's bit */
    size_t                     offset;     /* offset of the field in
                                              ngx_cigna_budget_conf_t */
    ngx_cigna_conf_budget_e    type;
    ngx_int_t                  low;
    ngx_int_t                  high;
    const char                *error;
} ngx_cigna_conf_budget_parameter_t;


static const char *ngx_cigna_conf_budget_one(ngx_cigna_budget_conf_t *b,
    ngx_str_t *value, ngx_uint_t allowed);
static ngx_uint_t ngx_cigna_conf_budget_value(
    ngx_cigna_conf_budget_parameter_t *p, void *field, ngx_str_t *text);
static ngx_int_t ngx_cigna_conf_budget_outage_parse(ngx_str_t *text);
static ngx_cigna_place_t *ngx_cigna_conf_budget_place(
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_budget_alone(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_budget_plan(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);
static void ngx_cigna_conf_budget_of(const ngx_cigna_tenant_t *tenant,
    cigna_budget_tenant_conf_t *conf);
static void ngx_cigna_conf_budget_bad(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf, ngx_uint_t bad, const char *error);


#define ngx_cigna_conf_budget_parameter(name, flag, field, type, low, high,   \
                                        error)                                \
    { ngx_string(name), NGX_CIGNA_BUDGET_ ## flag,                            \
      offsetof(ngx_cigna_budget_conf_t, field),                               \
      ngx_cigna_conf_budget_ ## type, low, high, "has an " error }

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

    ngx_cigna_conf_budget_parameter("outage=", OUTAGE, outage, outage,
        cigna_budget_outage_local, cigna_budget_outage_closed,
        "unknown outage (local, open or closed)"),

    ngx_cigna_conf_budget_parameter("dry_run", DRY_RUN, dry_run, flag, 1, 1,
        "unknown parameter"),

    { ngx_null_string, 0, 0, 0, 0, 0, NULL }
};


ngx_uint_t  ngx_cigna_budget_of_gateway =
    NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_DELAY
    |NGX_CIGNA_BUDGET_LEASE|NGX_CIGNA_BUDGET_OUTAGE|NGX_CIGNA_BUDGET_DRY_RUN
    |NGX_CIGNA_BUDGET_METADATA;

ngx_uint_t  ngx_cigna_budget_of_tenant =
    NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_MINIMUM
    |NGX_CIGNA_BUDGET_DELAY|NGX_CIGNA_BUDGET_DRY_RUN|NGX_CIGNA_BUDGET_METADATA;

ngx_uint_t  ngx_cigna_budget_of_member =
    NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_DRY_RUN
    |NGX_CIGNA_BUDGET_NEEDS_RATE;

ngx_uint_t  ngx_cigna_budget_of_dances =
    NGX_CIGNA_BUDGET_RATE|NGX_CIGNA_BUDGET_BURST|NGX_CIGNA_BUDGET_NEEDS_RATE;


char *
ngx_cigna_conf_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    char  *error;

    if (mcf->budget.place) {
        return "is duplicate";
    }

    error = ngx_cigna_conf_budget_set(cf, cmd, conf);

    if (error == NGX_CONF_OK || error == NGX_CONF_ERROR) {
        return error;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"cigna_budget\" directive %s, write \"cigna_budget "
                       "rate=100r/s burst=100 delay=500ms lease=50ms "
                       "outage=local metadata=5r/s dry_run;\", any of these",
                       error);

    return NGX_CONF_ERROR;
}


char *
ngx_cigna_conf_budget_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char        *p = conf;
    ngx_uint_t  *allowed = cmd->post;

    ngx_str_t                *value;
    ngx_uint_t                i;
    const char               *error;
    ngx_cigna_budget_conf_t  *b;

    b = (ngx_cigna_budget_conf_t *) (p + cmd->offset);

    b->lease = CIGNA_BUDGET_LEASE_MS;
    b->place = ngx_cigna_place_create(cf);
    if (b->place == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        error = ngx_cigna_conf_budget_one(b, &value[i], *allowed);

        if (error) {
            return (char *) error;
        }
    }

    if ((b->given & NGX_CIGNA_BUDGET_BURST)
        && !(b->given & NGX_CIGNA_BUDGET_RATE))
    {
        return "has a burst and no rate";
    }

    if ((*allowed & NGX_CIGNA_BUDGET_NEEDS_RATE)
        && !(b->given & NGX_CIGNA_BUDGET_RATE))
    {
        return "lacks a rate";
    }

    return NGX_CONF_OK;
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

        return ngx_cigna_conf_budget_value(p, (u_char *) b + p->offset, &text)
               ? NULL : p->error;
    }

    return "has an unknown parameter";
}


/* parses the text into the field; 0: invalid, or not from p->low to p->high */

static ngx_uint_t
ngx_cigna_conf_budget_value(ngx_cigna_conf_budget_parameter_t *p, void *field,
    ngx_str_t *text)
{
    ngx_int_t  n;

    switch (p->type) {

    case ngx_cigna_conf_budget_rate:
        return cigna_rate_parse(ngx_cigna_slice(text), field) == CIGNA_OK;

    case ngx_cigna_conf_budget_number:
        n = ngx_atoi(text->data, text->len);
        break;

    case ngx_cigna_conf_budget_time:
        n = ngx_parse_time(text, 0);
        break;

    case ngx_cigna_conf_budget_outage:
        n = ngx_cigna_conf_budget_outage_parse(text);
        break;

    default: /* ngx_cigna_conf_budget_flag */
        n = (text->len == 0);
    }

    /* the field is an ngx_uint_t or an ngx_msec_t, which is the same type */

    *(ngx_uint_t *) field = n;

    return n >= p->low && n <= p->high;
}


/* returns a cigna_budget_outage_e; NGX_ERROR: the text does not name one */

static ngx_int_t
ngx_cigna_conf_budget_outage_parse(ngx_str_t *text)
{
    ngx_int_t  i;

    static const char *const  names[] = {      /* cigna_budget_outage_e */
        "local", "open", "closed"
    };

    for (i = 0; i <= cigna_budget_outage_closed; i++) {
        if (ngx_strcmp(text->data, names[i]) == 0) {
            return i;
        }
    }

    return NGX_ERROR;
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

    place = ngx_cigna_conf_budget_place(tenant);
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


/*
 * the place of the tenant's "budget", or else of its "member_budget"; NULL: the
 * tenant has neither
 */

static ngx_cigna_place_t *
ngx_cigna_conf_budget_place(ngx_cigna_tenant_t *tenant)
{
    return tenant->budget_conf.place ? tenant->budget_conf.place
                                     : tenant->member_budget_conf.place;
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


/*
 * Logs the error.  bad: the index of the tenant whose budgets do not work, or
 * the number of tenants if "cigna_budget" does not work.
 */

static void
ngx_cigna_conf_budget_bad(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_uint_t bad, const char *error)
{
    ngx_cigna_place_t    *place;
    ngx_cigna_tenant_t  **tenants;

    tenants = mcf->tenants.elts;

    if (bad == mcf->tenants.nelts) {
        ngx_cigna_place_enter(cf, mcf->budget.place);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cigna_budget\" does not work: %s", error);
        ngx_cigna_place_leave(cf, mcf->budget.place);
        return;
    }

    place = ngx_cigna_conf_budget_place(tenants[bad]);

    ngx_cigna_place_enter(cf, place);
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the budgets of \"cigna_tenant\" \"%V\" do not work: "
                       "%s", &tenants[bad]->name, error);
    ngx_cigna_place_leave(cf, place);
}
