
#ifndef _CIGNA_SCRIPTS_H_INCLUDED_
#define _CIGNA_SCRIPTS_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "cigna_vault.h"


/*
 * The vault's scripts.  Each touches keys of one hash tag only, takes its time
 * from Redis (TIME) and is described in front of its text: keys, arguments,
 * reply.  A reply is an array whose first element is a word.  Scripts call
 * TIME, HMGET, HSET, HDEL, GET, SET, DEL, PEXPIRE, ZADD, ZCARD, ZRANGE, ZREM,
 * ZREMRANGEBYSCORE, ZREMRANGEBYRANK, PUBLISH and INFO; flows send HMGET, UNLINK
 * and ZREM beside them: an ACL needs no more.
 */

typedef enum {
    cigna_script_dance_open = 0,           /* stores a dance */
    cigna_script_dance_list,               /* bounds a member's open dances */
    cigna_script_dance_take,               /* takes it, if the secret fits */
    cigna_script_dance_end,                /* remembers the outcome */
    cigna_script_grant_put,                /* a new grant replaces any other */
    cigna_script_grant_begin,              /* lock, mark and read at once */
    cigna_script_grant_renew,              /* the lock for longer */
    cigna_script_grant_retake,             /* both again, if they got lost */
    cigna_script_grant_swap,               /* compare and set, unlock */
    cigna_script_grant_release,            /* unlock by the owner only */
    cigna_script_grant_delete,             /* read and delete */
    cigna_script_grant_restore,            /* writes a lost generation again */
    cigna_script_grant_forget,             /* deletes a grant again */
    cigna_script_grant_reseal,             /* the same under another key */
    cigna_script_grant_amend,              /* the same, and what is learned */
    cigna_script_vault_check,              /* is this the vault's primary? */
    cigna_script_max
} cigna_script_e;


/*
 * For so long the ids of grants that were deleted are remembered, so that no
 * late write revives one: longer than anybody tries to write, see
 * cigna_journal_replay.h.
 */

#define CIGNA_TOMB_MS  (INT64_C(30) * 24 * 3600 * 1000)


/* computes the SHA-1 digests; once, before any other call */
int cigna_scripts_init(void);

const cigna_script_t *cigna_script(cigna_script_e script);

/* the script with this digest, NULL if it is none of ours */
const cigna_script_t *cigna_script_find(cigna_slice_t sha1);


/* the read of the identity's grant, see cigna_vault_read_args() */
void cigna_script_read(cigna_op_t *op, const cigna_vault_names_t *id);

/*
 * Makes an operation of a script and its arguments, keys first.  Arguments
 * are borrowed.
 */
void cigna_script_run(cigna_op_t *op, cigna_script_e script,
    const cigna_slice_t *argv, unsigned argc);

/* the word of a reply, borrowed; empty for errors and nonsense: an outage */
cigna_slice_t cigna_script_word(const cigna_event_t *ev);

/* 1 if the event is a reply with this word */
int cigna_script_said(const cigna_event_t *ev, const char *word);

/* element i of a script's reply as bytes, borrowed; empty if there is none */
cigna_slice_t cigna_script_slice(const cigna_event_t *ev, size_t i);

/* how scripts are told an identity: its keyed hash */
cigna_slice_t cigna_script_identity(const cigna_vault_names_t *id);

/*
 * The channel on which every write of a grant is published, in the arena; the
 * message is "<identity> <grant id> <generation>", generation 0 after a
 * deletion, and "-" for the id if nothing was there to be deleted.
 */
int cigna_script_channel(const cigna_subject_t *s, cigna_slice_t *channel);


#endif /* _CIGNA_SCRIPTS_H_INCLUDED_ */
