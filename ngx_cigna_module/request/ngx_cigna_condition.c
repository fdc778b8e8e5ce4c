
#include "ngx_cigna_condition.h"


#define NGX_CIGNA_RETRY_S  5


static const ngx_cigna_condition_t  ngx_cigna_conditions[] = {

    { ngx_string("served"), 200, NULL, NGX_LOG_DEBUG, 0, 0, NULL, NULL },

    { ngx_string("served_stale"), 200, NULL, NGX_LOG_INFO, 0, 0, NULL, NULL },

    { ngx_string("method_refused"), 405, "not-supported", NGX_LOG_INFO, 0, 0,
      "That does not work here",
      "This request method is not allowed here." },

    { ngx_string("no_identity"), 401, "login", NGX_LOG_INFO, 0, 0,
      "Please sign in",
      "The request does not tell which member it is for: sign in to the app "
      "first." },

    { ngx_string("identity_invalid"), 400, "invalid", NGX_LOG_WARN, 0, 0,
      "Something is wrong with the app",
      "The app names a member or a tenant that cannot exist." },

    { ngx_string("not_connected"), 401, "login", NGX_LOG_INFO, 0, 1,
      "Not connected",
      "No Cigna plan is connected for this member." },

    { ngx_string("grant_spent"), 401, "login", NGX_LOG_INFO, 0, 1,
      "Please connect again",
      "Cigna has ended this member's connection; it must be made again." },

    { ngx_string("grant_expired"), 401, "expired", NGX_LOG_INFO, 0, 1,
      "Please connect again",
      "This member's connection has ended, and Cigna has given no means to "
      "prolong it; it must be made again." },

    { ngx_string("grant_refused"), 401, "login", NGX_LOG_WARN, 0, 1,
      "Please connect again",
      "Cigna's FHIR server does not accept this member's connection; it must "
      "be made again." },

    { ngx_string("grant_moved"), 401, "login", NGX_LOG_WARN, 0, 1,
      "Please connect again",
      "This member's connection was made for another registration of the app; "
      "it must be made again." },

    { ngx_string("vault_unreachable"), 503, "transient", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The gateway cannot reach its store of connections at the moment." },

    { ngx_string("key_unknown"), 503, "exception", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "This member's connection is sealed with a key that the gateway does "
      "not have at the moment." },

    { ngx_string("record_damaged"), 503, "exception", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The record of this member's connection is damaged." },

    { ngx_string("refresh_failed"), 503, "transient", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "Cigna does not prolong this member's connection at the moment." },

    { ngx_string("refresh_paused"), 503, "transient", NGX_LOG_WARN,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The gateway does not ask Cigna to prolong connections at the moment. "
      "Nothing is lost." },

    { ngx_string("refresh_late"), 503, "timeout", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "Cigna takes too long to prolong this member's connection." },

    { ngx_string("refresh_crowded"), 503, "throttled", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "Too many requests wait for this member's connection." },

    { ngx_string("upstream_unreachable"), 502, "transient", NGX_LOG_ERR, 0, 0,
      "Not available",
      "Cigna's FHIR server cannot be reached at the moment, or what it says "
      "makes no sense." },

    { ngx_string("upstream_late"), 504, "timeout", NGX_LOG_ERR, 0, 0,
      "Not available",
      "Cigna's FHIR server takes too long to answer." },

    /* these two have the status that they are told with */

    { ngx_string("upstream_error"), 502, "exception", NGX_LOG_INFO, 0, 0,
      "Not available",
      "Cigna's FHIR server, or what stands before it, has answered with an "
      "error that is no FHIR." },

    { ngx_string("request_refused"), 403, "forbidden", NGX_LOG_INFO, 0, 0,
      "That does not work here",
      "The gateway does not serve this request." },

    { ngx_string("request_malformed"), 400, "invalid", NGX_LOG_WARN, 0, 0,
      "Something is wrong with the request",
      "The request's path, query or header could be read in more than one "
      "way." },

    { ngx_string("search_too_large"), 413, "too-long", NGX_LOG_INFO, 0, 0,
      "Something is wrong with the request",
      "The body of a search by POST may have 16 KiB at most." },

    { ngx_string("media_type_refused"), 415, "not-supported", NGX_LOG_INFO, 0,
      0,
      "Something is wrong with the request",
      "A search by POST must be of type application/x-www-form-urlencoded." },

    { ngx_string("type_refused"), 403, "forbidden", NGX_LOG_WARN, 0, 0,
      "That does not work here",
      "The app may not ask for this type of resource." },

    { ngx_string("use_refused"), 403, "forbidden", NGX_LOG_WARN, 0, 0,
      "That does not work here",
      "A resource of the FHIR server is no script, style sheet or worker of a "
      "page." },

    { ngx_string("destination_refused"), 500, "security", NGX_LOG_ERR, 0, 0,
      "Something is wrong with the gateway",
      "The gateway is configured in a way that would endanger tokens." },

    { ngx_string("subrequest_refused"), 403, "forbidden", NGX_LOG_ERR, 0, 0,
      "That does not work here",
      "Subrequests get no token." },

    { ngx_string("origin_refused"), 403, "forbidden", NGX_LOG_WARN, 0, 0,
      "That does not work from here",
      "This can only be done from the app's own pages." },

    { ngx_string("not_disconnected"), 503, "transient", NGX_LOG_ERR,
      NGX_CIGNA_RETRY_S, 0,
      "Not disconnected yet",
      "The gateway cannot reach its store of connections at the moment: the "
      "member is not disconnected." },

    { ngx_string("budget_gateway"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "The gateway's budget of requests to Cigna is spent at the moment." },

    { ngx_string("budget_tenant"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "This app's budget of requests to Cigna is spent at the moment." },

    { ngx_string("budget_member"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "This member's budget of requests to Cigna is spent at the moment." },

    { ngx_string("budget_metadata"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "The part of the budget that is for metadata is spent at the moment." },

    { ngx_string("held_back"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "Cigna has asked for fewer requests, and the gateway holds them back." },

    { ngx_string("budget_unknown"), 503, "throttled", NGX_LOG_INFO,
      NGX_CIGNA_RETRY_S, 0,
      "Not available",
      "The gateway cannot tell what is left of its budget of requests to "
      "Cigna at the moment." },

    { ngx_string("upstream_throttled"), 429, "throttled", NGX_LOG_INFO, 1, 0,
      "Too many requests",
      "Cigna's FHIR server has asked for fewer requests." },

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
