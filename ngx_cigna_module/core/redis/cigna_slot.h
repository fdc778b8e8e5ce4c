
#ifndef _CIGNA_SLOT_H_INCLUDED_
#define _CIGNA_SLOT_H_INCLUDED_


#include "base/cigna_buf.h"


/* the hash slots of Redis Cluster */

#define CIGNA_SLOTS         16384
#define CIGNA_SLOT_TAG_MAX  6              /* digits of the longest tag */


/*
 * Slot of a key: CRC16 (XMODEM) of what stands between its first "{" and the
 * next "}", or of the whole key if that is nothing.
 */
unsigned cigna_slot(cigna_slice_t key);

/*
 * Appends the tag of a slot: the smallest decimal number whose slot it is.
 * Takes up to some milliseconds.  CIGNA_ERROR if there is no such slot.
 */
int cigna_slot_append_tag(cigna_buf_t *b, unsigned slot);


#endif /* _CIGNA_SLOT_H_INCLUDED_ */
