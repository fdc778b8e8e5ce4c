
#ifndef _CIGNA_SLOT_H_INCLUDED_
#define _CIGNA_SLOT_H_INCLUDED_


#include "base/cigna_buf.h"


/* The hash slots of Redis Cluster. */

#define CIGNA_SLOTS         16384
#define CIGNA_SLOT_TAG_MAX  6              /* digits of the longest tag */


/*
 * The slot of a key: CRC16 (XMODEM), modulo CIGNA_SLOTS, of the bytes between
 * its first "{" and the next "}", or of the whole key if there are no such
 * bytes.
 */
unsigned cigna_slot(cigna_slice_t key);

/*
 * Appends the tag of a slot: the smallest decimal number in that slot.  This
 * may take a few milliseconds.  CIGNA_ERROR: there is no such slot, or no room.
 */
int cigna_slot_append_tag(cigna_buf_t *b, unsigned slot);


#endif /* _CIGNA_SLOT_H_INCLUDED_ */
