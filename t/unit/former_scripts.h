
#ifndef _FORMER_SCRIPTS_H_INCLUDED_
#define _FORMER_SCRIPTS_H_INCLUDED_


/*
 * The scripts for dances of version 0.4.0, and its Redis user.  Nodes of that
 * version may share Redis with nodes of this version.  So both versions must
 * understand each other's records, and this version must need no further
 * rights.
 */

/* version 0.4.0's Redis user of conf/redis/users.acl, without its password */
extern const char  former_user[];

extern const char  former_dance_open[];
extern const char  former_dance_take[];
extern const char  former_dance_end[];


#endif /* _FORMER_SCRIPTS_H_INCLUDED_ */
