
#ifndef _CIGNA_DANCE_STORY_H_INCLUDED_
#define _CIGNA_DANCE_STORY_H_INCLUDED_


#include "vault/cigna_vault.h"


/*
 * The story of a dance is a field of its record in Redis, with one line for
 * each step of the dance.  A line has a word for the step, and then
 * "name=value" for each value that is known.  The scripts put the time of Redis
 * in front of the line.  A line has no names of people, and no text that a
 * browser has sent.
 */

typedef struct {
    cigna_slice_t   request;               /* id of the request */
    cigna_slice_t   outcome;
    cigna_slice_t   error;                 /* OAuth's error code; the line has
                                              "other" for a code that no
                                              standard defines */
    unsigned        status;                /* HTTP status of the token
                                              endpoint's reply; 0: there was
                                              none */
    int64_t         exchange_ms;           /* how long the exchange took; 0:
                                              there was none */
} cigna_dance_story_t;


/*
 * Makes the line in the arena; "what" is the word for the step.  A value is
 * left out if it is empty or 0, if it is longer than 64 bytes, or if it has
 * other characters than letters, digits and "-._:".  An error that is not in
 * the list of cigna_dance_story.c becomes "other".  If there is no room, sets
 * the arena's "overflow".
 */
cigna_slice_t cigna_dance_story_line(const cigna_vault_t *vault,
    cigna_arena_t *arena, const char *what, const cigna_dance_story_t *story);

/*
 * the error code if a standard defines it, otherwise "other"; an empty code
 * stays empty
 */
cigna_slice_t cigna_dance_story_error(cigna_slice_t error);


#endif /* _CIGNA_DANCE_STORY_H_INCLUDED_ */
