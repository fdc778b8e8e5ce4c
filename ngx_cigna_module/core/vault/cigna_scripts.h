
#ifndef _CIGNA_SCRIPTS_H_INCLUDED_
#define _CIGNA_SCRIPTS_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "cigna_vault.h"


/*
 * The vault's scripts.  The keys of a script have the same hash tag.  A script
 * that needs the time takes it from Redis (TIME).  A reply is an array, and its
 * first element is a word.  cigna_scripts.c describes keys, arguments and reply
 * of each script.
 *
 * Scripts call TIME, HMGET, HSET, HDEL, GET, SET, DEL, PEXPIRE, ZADD, ZCARD,
 * ZRANGE, ZREM, ZREMRANGEBYSCORE, ZREMRANGEBYRANK, PUBLISH and INFO.  An ACL
 * (conf/redis/users.acl) has to allow these commands, too.  Without a script,
 * the flows of grants and dances send HMGET and UNLINK.
 */

typedef enum {
    cigna_script_dance_list = 0,           /* lists a dance, and bounds the
                                              member's open dances */
    cigna_script_dance_open,               /* stores a dance */
    cigna_script_dance_claim,              /* takes a dance for one run */
    cigna_script_dance_end,                /* stores the outcome of a dance */
    cigna_script_dance_close,              /* ends an overdue or displaced
                                              dance */
    cigna_script_dance_forget,             /* unlists a dance, counts its end */
    cigna_script_dance_due,                /* finds overdue dances */
    cigna_script_grant_install,            /* a new grant replaces any other */
    cigna_script_grant_begin,              /* sets lock and mark */
    cigna_script_grant_renew,              /* prolongs the lock */
    cigna_script_grant_retake,             /* sets lost lock and mark again */
    cigna_script_grant_swap,               /* writes a generation, unlocks */
    cigna_script_grant_release,            /* unlocks, and updates the mark */
    cigna_script_grant_delete,             /* reads a grant and deletes it */
    cigna_script_grant_replay,             /* writes a generation again that
                                              Redis may have lost */
    cigna_script_grant_forget,             /* deletes a grant whose deletion
                                              Redis may have lost */
    cigna_script_grant_reseal,             /* stores the record, sealed with
                                              another key */
    cigna_script_grant_amend,              /* stores the record with a new
                                              field */
    cigna_script_vault_check,              /* reads role, policy and marker */
    cigna_script_max
} cigna_script_e;


/*
 * How long Redis remembers the ids of deleted grants, so that no late write
 * brings one back.  Nodes stop trying a write before this time is over, see
 * cigna_journal_replay.h.
 */

#define CIGNA_TOMB_MS  (INT64_C(30) * 24 * 3600 * 1000)


/*
 * Computes the SHA-1 digests of the scripts.  To be called once, before all
 * functions below.  CIGNA_ERROR: libcrypto has failed.
 */
int cigna_scripts_init(void);

const cigna_script_t *cigna_script(cigna_script_e script);


/* makes *op the read of the identity's grant, see cigna_vault_read_args() */
void cigna_script_read(cigna_op_t *op, const cigna_vault_names_t *id);

/* makes *op a call of a script; argv has the keys first and is borrowed */
void cigna_script_run(cigna_op_t *op, cigna_script_e script,
    const cigna_slice_t *argv, unsigned argc);

/* like cigna_script_run(), but takes the keys and arguments one by one */
#define cigna_script_call(op, script, ...)                                    \
    cigna_script_run(op, script, cigna_slice_array(__VA_ARGS__))

/* the first word of a reply, borrowed; empty if Redis failed */
cigna_slice_t cigna_script_word(const cigna_event_t *ev);

/* 1 if the event is a reply with this word */
int cigna_script_said(const cigna_event_t *ev, const char *word);

/* element i of a reply, borrowed; empty if it is missing or not a string */
cigna_slice_t cigna_script_slice(const cigna_event_t *ev, size_t i);

/* an identity as scripts take it: its keyed hash */
cigna_slice_t cigna_script_identity(const cigna_vault_names_t *id);

/*
 * The channel on which scripts publish changes of grants, in the arena.  A
 * message is "<identity> <grant id> <generation>".  After a deletion the
 * generation is 0, and the id is "-" if there was no grant.  grant_amend
 * publishes "-" and 0, too, so that caches drop the grant.  If there is no
 * room, sets the arena's "overflow".
 */
cigna_slice_t cigna_script_channel(const cigna_subject_t *s);

/*
 * after the reply "stale" of grant_begin or grant_swap: the present record,
 * borrowed from the event
 */
const cigna_reply_t *cigna_script_record(const cigna_event_t *ev);


#endif /* _CIGNA_SCRIPTS_H_INCLUDED_ */
