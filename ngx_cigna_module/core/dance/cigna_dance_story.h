
#ifndef _CIGNA_DANCE_STORY_H_INCLUDED_
#define _CIGNA_DANCE_STORY_H_INCLUDED_


#include "vault/cigna_vault.h"


/*
 * A line of a dance's story: what happened, and then "name=value" for each
 * thing that is known.  The scripts put the time of Redis in front of the line.
 * A line has no names of people, and nothing that a browser has sent.
 */

typedef struct {
    cigna_slice_t   request;               /* id of the request */
    cigna_slice_t   outcome;
    cigna_slice_t   error;                 /* OAuth's error code; other bytes
                                              than those of the RFCs become
                                              "other" */
    unsigned        status;                /* HTTP, of the token endpoint; 0:
                                              there was no reply */
    int64_t         exchange_ms;           /* that the exchange took; 0: there
                                              was none */
} cigna_dance_story_t;


/*
 * Makes the line in the arena.  Values with bytes that would break the line
 * are left out.  If there is no room, sets the arena's "overflow".
 */
cigna_slice_t cigna_dance_story_line(const cigna_vault_t *vault,
    cigna_arena_t *arena, const char *what, const cigna_dance_story_t *story);

/* the error code if an RFC defines it; else "other"; empty if there is none */
cigna_slice_t cigna_dance_story_error(cigna_slice_t error);


#endif /* _CIGNA_DANCE_STORY_H_INCLUDED_ */
