
#ifndef _CIGNA_REDIS_HANDSHAKE_H_INCLUDED_
#define _CIGNA_REDIS_HANDSHAKE_H_INCLUDED_


#include "cigna_marker.h"
#include "cigna_scripts.h"


/*
 * Makes a new Redis connection ready for commands: AUTH, SELECT, CLIENT SETNAME
 * and a check.  The check of the vault finds out whether this Redis is a
 * primary, never evicts keys and has the vault's marker.  The check alone is
 * repeated later, because its result may change.  The flow's operations are
 * cigna_op_redis, cigna_op_script and cigna_op_done.  The caller sends the
 * script by EVAL.
 */

typedef enum {
    cigna_redis_handshake_ok = 0,
    cigna_redis_handshake_pending,
    cigna_redis_handshake_refused,         /* wrong password, no permission, no
                                              such database, and the like */
    cigna_redis_handshake_busy,            /* LOADING, MASTERDOWN, ... */
    cigna_redis_handshake_replica,         /* the server is not a primary */
    cigna_redis_handshake_elsewhere,       /* another node of the cluster has
                                              the marker's slot, or gets it */
    cigna_redis_handshake_evicts,          /* maxmemory-policy is not
                                              noeviction */
    cigna_redis_handshake_foreign,         /* no marker, or one that is not this
                                              vault's or cannot be opened */
    cigna_redis_handshake_broken           /* malformed reply, or none */
} cigna_redis_handshake_e;


typedef enum {
    cigna_redis_handshake_check_none = 0,
    cigna_redis_handshake_check_policy,    /* the maxmemory-policy only */
    cigna_redis_handshake_check_vault      /* role, policy and marker */
} cigna_redis_handshake_check_e;


typedef struct {
    /* set by the caller, all else zeroed */
    cigna_slice_t                   username;  /* empty: none */
    cigna_slice_t                   password;  /* empty: no AUTH */
    unsigned                        db;
    cigna_redis_handshake_check_e   check;
    const cigna_vault_t            *vault;  /* for check_vault */
    unsigned                        slot;  /* slot of the marker */
    unsigned                        again:1;  /* logged in already: check
                                                 only */

    /* results */
    cigna_redis_handshake_e         rc;
    int64_t                         age_ms;  /* how long this Redis has been
                                                the primary; -1: not known */
    uint64_t                        primary;  /* a number that differs after
                                                 each change of primary; 0: not
                                                 known */
    char                            error[160];  /* for the log, never a
                                                    secret */

    /* private */
    unsigned                        state;
    char                            number[12];
    cigna_slice_t                   key;
    uint8_t                         key_mem[CIGNA_KEY_MAX];
} cigna_redis_handshake_t;


void cigna_redis_handshake_next(cigna_redis_handshake_t *f,
    const cigna_event_t *ev, cigna_op_t *op);


#endif /* _CIGNA_REDIS_HANDSHAKE_H_INCLUDED_ */
