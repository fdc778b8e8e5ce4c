
#ifndef _CIGNA_HIDE_H_INCLUDED_
#define _CIGNA_HIDE_H_INCLUDED_


#include "cigna_slice.h"


/*
 * Lines in the header of an upstream's reply that are not for the caller:
 *
 *  - cookies, and what names the server and what it runs on;
 *  - what proxies, CDNs, tracing and monitoring leave behind;
 *  - what speaks for the host that sends it, to browsers: those would take it
 *    for the gateway's own word (Clear-Site-Data, Strict-Transport-Security,
 *    Alt-Svc, reporting endpoints).
 */


/* 1 if the line of this name does not go on; either case */
int cigna_hide_line(cigna_slice_t name);


#endif /* _CIGNA_HIDE_H_INCLUDED_ */
