
#ifndef _NGX_CIGNA_PID_H_INCLUDED_
#define _NGX_CIGNA_PID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* 1 if the process exists; a dead worker does until the master has reaped it */
int ngx_cigna_pid_alive(int32_t pid);


#endif /* _NGX_CIGNA_PID_H_INCLUDED_ */
