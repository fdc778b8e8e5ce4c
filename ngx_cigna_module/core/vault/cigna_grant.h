
#ifndef _CIGNA_GRANT_H_INCLUDED_
#define _CIGNA_GRANT_H_INCLUDED_


#include "base/cigna_arena.h"


/*
 * The plain text of a sealed grant: a version byte, and then fields of tag,
 * length and bytes.  A reader skips tags that it does not know, so a newer
 * gateway may add some.
 */

#define CIGNA_GRANT_ID_LEN     22          /* 16 random bytes in base64url */
#define CIGNA_GRANT_PLAIN_MAX  (40 * 1024)


typedef enum {
    cigna_grant_live = 0,
    cigna_grant_spent                      /* the token endpoint refused the
                                              refresh token for good */
} cigna_grant_state_e;


typedef struct {
    cigna_slice_t         id;              /* in clear beside the sealed text */
    uint64_t              generation;      /* in clear beside the sealed text */
    cigna_grant_state_e   state;
    cigna_slice_t         access_token;
    cigna_slice_t         refresh_token;   /* empty: none */
    cigna_slice_t         scope;
    cigna_slice_t         patient;
    cigna_slice_t         sub;
    cigna_slice_t         fhir_user;
    cigna_slice_t         userinfo;        /* the identifier from $userinfo;
                                              empty: not known */
    int64_t               obtained_ms;     /* when the token request was sent;
                                              of a spent grant: when it was
                                              marked */
    int64_t               expires_ms;      /* when the access token expires */
    int64_t               connected_ms;    /* when the dance had its tokens, and
                                              began to store them */
    unsigned              forced;          /* 1: refreshed because the FHIR
                                              server refused the old token */
} cigna_grant_t;


/*
 * Appends the plain text of g to b, without id and generation: they are sealed
 * as associated data.
 */
void cigna_grant_append(cigna_buf_t *b, const cigna_grant_t *g);

/*
 * Reads the plain text into g, whose slices then borrow from the text.  g->id
 * and g->generation stay as they are.  CIGNA_ERROR: all other fields are empty.
 */
int cigna_grant_parse(cigna_slice_t text, cigna_grant_t *g);


/*
 * A dance is one authorization of a member, from connect to callback.  Its
 * sealed plain text has the same form as that of a grant.
 */

#define CIGNA_DANCE_ID_LEN     12          /* see cigna_dance_id.h */
#define CIGNA_DANCE_PLAIN_MAX  4096
/* the member must come back from Cigna within this time after the start */
#define CIGNA_DANCE_LIFE_MS    (10 * 60 * 1000)

/*
 * Redis keeps a dance for one of these times after its start: KEPT without a
 * story (cigna_dance_story.h), STORY with a story
 */
#define CIGNA_DANCE_KEPT_MS    (30 * 60 * 1000)
#define CIGNA_DANCE_STORY_MS   (INT64_C(8) * 24 * 3600 * 1000)


typedef struct {
    cigna_slice_t   id;                    /* for logs and pages, not secret */
    cigna_slice_t   verifier;
    cigna_slice_t   nonce;
    cigna_slice_t   return_to;             /* checked, in its normal form */
    cigna_slice_t   redirect_uri;
    cigna_slice_t   issuer;                /* empty: not known at connect */
    int64_t         started_ms;
} cigna_dance_t;


void cigna_dance_append(cigna_buf_t *b, const cigna_dance_t *d);
int cigna_dance_parse(cigna_slice_t text, cigna_dance_t *d);


#endif /* _CIGNA_GRANT_H_INCLUDED_ */
