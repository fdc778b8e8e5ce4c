
#include "ngx_cigna_condition.h"


/* seconds of Retry-After if no better time is known */

#define NGX_CIGNA_RETRY_S  5


static const ngx_cigna_condition_t  ngx_cigna_conditions[] = {

    [ngx_cigna_condition_served] =
    { ngx_string("served"), 200, NULL, NGX_LOG_DEBUG, 0, 0, NULL, NULL },

    [ngx_cigna_condition_served_stale] =
    { ngx_string("served_stale"), 200, NULL, NGX_LOG_INFO, 0, 0, NULL, NULL },

    [ngx_cigna_condition_method_refused] =
    { ngx_string("method_refused"), 405, "not-supported", NGX_LOG_INFO, 0, 0,
      "That does not work here",
      "This request method is not allowed here." },

    [ngx_cigna_condition_no_identity] =
    { ngx_string("no_identity"), 401, "login", NGX_LOG_INFO, 0, 0,
      "Please sign in",
      "The request does not say which member it is for. Sign in to the app "
      "first." },

    [ngx_cigna_condition_identity_invalid] =
    { ngx_string("identity_invalid"), 400, "invalid", NGX_LOG_WARN, 0, 0,
      "Something is wrong with the app",
      "The app names a member or a tenant that does not exist." },

    [ngx_cigna_condition_not_connected] =
    { ngx_string("not_connected"), 401, "login", NGX_LOG_INFO, 0, 1,
      "Not connected",
      "No Cigna plan is connected for this member." },

    [ngx_cigna_condition_grant_spent] =
    { ngx_string("grant_spent"), 401, "login", NGX_LOG_INFO, 0, 1,
      "Please connect again",
      "Cigna has ended this member's connection. Please connect again." },

    [ngx_cigna_condition_grant_expired] =
    { ngx_string("grant_expired"), 401, "expired", NGX_LOG_INFO, 0, 1,
      "Please connect again",
      "This member's connection has expired, and Cigna does not let the "
      "gateway renew it. Please connect again." },

    [ngx_cigna_condition_grant_refused] =
    { ngx_string("grant_refused"), 401, "login", NGX_LOG_WARN, 0, 1,
      "Please connect again",
      "Cigna's FHIR server does not accept this member's connection. Please "
      "connect again." },

    [ngx_cigna_condition_grant_moved] =
    { ngx_string("grant_moved"), 401, "login", NGX_LOG_WARN, 0, 1,
      "Please connect again",
      "This member's connection was made for another registration of the app. "
      "Please connect again." },

    [ngx_cigna_condition_vault_unreachable] =
    { ngx_string("vault_unreachable"), 503, "transient", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The gateway cannot reach its store of connections at the moment." },

    [ngx_cigna_condition_key_unknown] =
    { ngx_string("key_unknown"), 503, "exception", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "This member's connection is sealed with a key that the gateway does "
      "not have at the moment." },

    [ngx_cigna_condition_record_damaged] =
    { ngx_string("record_damaged"), 503, "exception", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The record of this member's connection is damaged." },

    [ngx_cigna_condition_refresh_failed] =
    { ngx_string("refresh_failed"), 503, "transient", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "Cigna does not renew this member's connection at the moment." },

    [ngx_cigna_condition_refresh_paused] =
    { ngx_string("refresh_paused"), 503, "transient", NGX_LOG_WARN,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The gateway does not ask Cigna to renew connections at the moment. "
      "Nothing is lost." },

    [ngx_cigna_condition_refresh_late] =
    { ngx_string("refresh_late"), 503, "timeout", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "Cigna takes too long to renew this member's connection." },

    [ngx_cigna_condition_refresh_crowded] =
    { ngx_string("refresh_crowded"), 503, "throttled", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "Too many requests wait for this member's connection." },

    [ngx_cigna_condition_upstream_unreachable] =
    { ngx_string("upstream_unreachable"), 502, "transient", NGX_LOG_ERR, 0, 0,
      "Not available",
      "Cigna's FHIR server cannot be reached at the moment, or its answer "
      "cannot be understood." },

    [ngx_cigna_condition_upstream_late] =
    { ngx_string("upstream_late"), 504, "timeout", NGX_LOG_ERR, 0, 0,
      "Not available",
      "Cigna's FHIR server takes too long to answer." },

    /* replies to these two have the status of the error that they stand for */

    [ngx_cigna_condition_upstream_error] =
    { ngx_string("upstream_error"), 502, "exception", NGX_LOG_INFO, 0, 0,
      "Not available",
      "Cigna's FHIR server, or a proxy in front of it, has answered with an "
      "error that is not FHIR." },

    [ngx_cigna_condition_request_refused] =
    { ngx_string("request_refused"), 403, "forbidden", NGX_LOG_INFO, 0, 0,
      "That does not work here",
      "The gateway does not serve this request." },

    [ngx_cigna_condition_request_malformed] =
    { ngx_string("request_malformed"), 400, "invalid", NGX_LOG_WARN, 0, 0,
      "Something is wrong with the request",
      "The request's path, query or header could be read in more than one "
      "way." },

    [ngx_cigna_condition_search_too_large] =
    { ngx_string("search_too_large"), 413, "too-long", NGX_LOG_INFO, 0, 0,
      "Something is wrong with the request",
      "The body of a search by POST may have at most 16 KiB." },

    [ngx_cigna_condition_media_type_refused] =
    { ngx_string("media_type_refused"), 415, "not-supported", NGX_LOG_INFO, 0,
      0,
      "Something is wrong with the request",
      "A search by POST must be of type application/x-www-form-urlencoded." },

    [ngx_cigna_condition_type_refused] =
    { ngx_string("type_refused"), 403, "forbidden", NGX_LOG_WARN, 0, 0,
      "That does not work here",
      "The app is not allowed to ask for this type of resource." },

    [ngx_cigna_condition_use_refused] =
    { ngx_string("use_refused"), 403, "forbidden", NGX_LOG_WARN, 0, 0,
      "That does not work here",
      "A web page cannot use a FHIR resource as a script, a style sheet or a "
      "worker." },

    [ngx_cigna_condition_destination_refused] =
    { ngx_string("destination_refused"), 500, "security", NGX_LOG_ERR, 0, 0,
      "Something is wrong with the gateway",
      "The gateway is configured in a way that could expose tokens." },

    [ngx_cigna_condition_origin_refused] =
    { ngx_string("origin_refused"), 403, "forbidden", NGX_LOG_WARN, 0, 0,
      "That does not work from here",
      "This can only be done from the app's own pages." },

    [ngx_cigna_condition_not_disconnected] =
    { ngx_string("not_disconnected"), 503, "transient", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not disconnected yet",
      "The gateway cannot reach its store of connections at the moment. The "
      "member is not disconnected yet." },

    [ngx_cigna_condition_budget_gateway] =
    { ngx_string("budget_gateway"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "The gateway's budget of requests to Cigna is spent at the moment." },

    [ngx_cigna_condition_budget_tenant] =
    { ngx_string("budget_tenant"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "This app's budget of requests to Cigna is spent at the moment." },

    [ngx_cigna_condition_budget_member] =
    { ngx_string("budget_member"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "This member's budget of requests to Cigna is spent at the moment." },

    [ngx_cigna_condition_budget_metadata] =
    { ngx_string("budget_metadata"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "The budget of requests for metadata is spent at the moment." },

    [ngx_cigna_condition_held_back] =
    { ngx_string("held_back"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "Cigna has asked for fewer requests. The gateway holds them back." },

    [ngx_cigna_condition_budget_unknown] =
    { ngx_string("budget_unknown"), 503, "throttled", NGX_LOG_INFO,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The gateway cannot tell what is left of its budget of requests to "
      "Cigna at the moment." },

    [ngx_cigna_condition_upstream_throttled] =
    { ngx_string("upstream_throttled"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "Cigna's FHIR server has asked for fewer requests." },

    [ngx_cigna_condition_internal_error] =
    { ngx_string("internal_error"), 500, "exception", NGX_LOG_ERR, 0, 0,
      "Something went wrong",
      "The gateway could not handle the request." }
};


const ngx_cigna_condition_t *
ngx_cigna_condition(ngx_cigna_condition_e e)
{
    if ((ngx_uint_t) e >= ngx_cigna_condition_max) {
        e = ngx_cigna_condition_internal_error;
    }

    return &ngx_cigna_conditions[e];
}
