
#ifndef _WORLD_FAULT_H_INCLUDED_
#define _WORLD_FAULT_H_INCLUDED_


/*
 * The simulated world, in which flows run without a network and without a real
 * clock.  It has four parts: the nodes (world_fleet.h), Redis (world_redis.h),
 * the authorization server (world_auth.h), and actors, each of which runs a
 * flow (world_actors.h).
 *
 * Unit tests and fuzz targets share it, so it has no assertions of a test
 * library.  A flow that breaks a rule of all flows ends the program.
 */

/* part of every token and secret, so that tests find each one in clear text */

#define WORLD_MARKER  "S3CRET"


/* the result of an operation */

typedef enum {
    world_fine = 0,
    world_unsent,                          /* no byte was sent */
    world_lost_before,                     /* the request was sent, and the peer
                                              did not get it */
    world_lost_after,                      /* the peer performed the request,
                                              but the reply is lost */
    world_error,                           /* a Redis error, or HTTP 503 */
    world_faults
} world_fault_e;


/* prints "what" and ends the program */
void world_fail(const char *what);


#endif /* _WORLD_FAULT_H_INCLUDED_ */
