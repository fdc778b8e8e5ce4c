
#ifndef _NGX_CIGNA_COUNTERS_H_INCLUDED_
#define _NGX_CIGNA_COUNTERS_H_INCLUDED_


#include "ngx_cigna_zone.h"
#include "dance/cigna_dance_outcome.h"


/*
 * A tenant's counters.  They are in the fixed part of the zone, so a reload or
 * a reset of the cache does not clear them.
 */


/*
 * Each line has a counter's name, for the enumeration and for reports, and its
 * help text.  scripts/README.md explains the counters as well.  New counters
 * must go to the end, because a reload with a newer module keeps the zone.
 */

#define NGX_CIGNA_COUNTS(count)                                               \
    count(dances_started, "Dances that have started.")                        \
    count(fhir_requests, "FHIR requests with an identity, without metadata.") \
    count(cache_hits, "Requests whose token came from the cache.")            \
    count(vault_reads, "Reads of a member's grant in Redis.")                 \
    count(refreshes, "Refreshes that brought new tokens.")                    \
    count(refresh_failures, "Refreshes that brought no tokens.")              \
    count(stale_served, "Requests served from the cache with Redis down.")    \
    count(revocations, "Grants revoked at the authorization server.")         \
    count(revocations_failed, "Grants whose revocation has failed.")          \
    count(members_changed, "Connections made as another person than before.") \
    count(tokens_refused, "Replies of 401 by the FHIR server to a token.")    \
    count(replays, "Requests sent again with another token after a 401.")     \
    count(links_unknown, "Replies whose links stayed: own base not known.")   \
    count(links_broken, "Replies that are not valid JSON.")                   \
    count(journal_full, "New grants that the journal had no room for.")       \
    count(journal_restored, "Grants that the journal wrote to Redis later.")  \
    count(journal_lost, "Grants that the journal could not write later.")     \
    count(budget_spent, "Refreshes not sent: token_requests left no room.")   \
    count(refresh_crowded, "Requests that refresh_waiters has refused.")      \
    count(refusals_held, "Refused refreshes whose grant was kept.")           \
    count(strangers, "Refreshes that brought another person's tokens.")       \
    count(open_requests, "Requests for metadata, which need no token.")       \
    count(links_unread, "Replies whose links stayed: compressed or a part.")  \
    count(errors_replaced, "Errors of the FHIR server that were not FHIR.")   \
    count(not_found, "Replies of 500 that cigna_not_found changed to 404.")   \
    count(types_refused, "Requests that resource_types has refused.")         \
    count(types_dry, "Requests that resource_types would have refused.")      \
    count(budget_gateway, "Requests that the gateway's budget has refused.")  \
    count(budget_tenant, "Requests that the tenant's budget has refused.")    \
    count(budget_member, "Requests that a member's budget has refused.")      \
    count(held_back, "Requests refused in a pause that Cigna asked for.")     \
    count(budget_unknown, "Requests refused because Redis was down.")         \
    count(budget_dry_run, "Requests that left only because of dry_run.")      \
    count(budget_delayed, "Requests that waited for a budget and then left.") \
    count(budget_returned, "Requests that were charged but not sent.")        \
    count(budget_leases, "Requests to Redis for a lease of a budget.")        \
    count(budget_lease_failures, "Requests for a lease that have failed.")    \
    count(pauses, "Pauses that began with a reply to this tenant.")           \
    count(upstream_throttled, "Replies of 429 by the FHIR server.")           \
    count(userinfo_known, "Requests for $userinfo with an identifier.")       \
    count(userinfo_failures, "Requests for $userinfo without an identifier.") \
    count(gate_refused, "Requests not sent: ambiguous, or led elsewhere.")    \
    count(exchanges_bounded, "Exchanges not begun: too many were open.")      \
    count(exchanges_abandoned, "Exchanges open when their worker ended.")     \
    count(older_secret, "Exchanges made with the older client secret.")       \
    count(member_dances, "Dances that member_dances did not let start.")      \
    count(connects_asked, "Pages that asked whether to connect.")             \
    count(budget_metadata, "Requests for metadata that a budget refused.")    \
    count(links_type, "Replies whose links stayed: FHIR that is not JSON.")   \
    count(links_elsewhere, "Bundles with links to an unknown host or path.")  \
    count(links_outside, "Replies whose links stayed: odd or long paths.")    \
    count(metadata_fetches, "Fetches of metadata to be kept in memory.")      \
    count(metadata_failures, "Fetches of metadata that brought no document.") \
    count(metadata_stale, "Replies with old metadata while Cigna was away.")  \
    count(metadata_passed, "Proxied metadata without cigna_smart_endpoint.")  \
    count(dances_ended, "Dances that have ended; each dance ends once.")      \
    count(stories_dropped, "Dances without a story in Redis, for lack of room.")


#define ngx_cigna_count_entry(name, text)  ngx_cigna_count_##name,

typedef enum {
    NGX_CIGNA_COUNTS(ngx_cigna_count_entry)
    ngx_cigna_count_max
} ngx_cigna_count_e;


typedef struct ngx_cigna_counters_s  ngx_cigna_counters_t;


#define ngx_cigna_counters(row)  ((ngx_cigna_counters_t *) (row)->counters)

void ngx_cigna_count(ngx_cigna_counters_t *counters, ngx_cigna_count_e what);
void ngx_cigna_count_outcome(ngx_cigna_counters_t *counters,
    cigna_dance_outcome_e outcome);

uint64_t ngx_cigna_counted(ngx_cigna_counters_t *counters,
    ngx_cigna_count_e what);
uint64_t ngx_cigna_counted_outcome(ngx_cigna_counters_t *counters,
    cigna_dance_outcome_e outcome);

/*
 * Counts a dance that starts.  NGX_BUSY: "rate" dances have started in this
 * second already, and nothing is counted.
 */
ngx_int_t ngx_cigna_counters_start_dance(ngx_cigna_counters_t *counters,
    ngx_uint_t rate, time_t now);


/*
 * A word in the zone that counts events in one second.  It has the second, and
 * in its low bits the number of events, at most NGX_CIGNA_SECOND_MAX.
 */

#define NGX_CIGNA_SECOND_MAX  0xffff

/* counts an event; NGX_BUSY: this second has "rate" events already */
ngx_int_t ngx_cigna_second_take(ngx_atomic_t *word, ngx_uint_t rate,
    time_t second);

/* the number of events that the word has for this second */
ngx_uint_t ngx_cigna_second_taken(ngx_atomic_uint_t word, time_t second);


#endif /* _NGX_CIGNA_COUNTERS_H_INCLUDED_ */
