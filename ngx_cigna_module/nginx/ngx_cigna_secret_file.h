
#ifndef _NGX_CIGNA_SECRET_FILE_H_INCLUDED_
#define _NGX_CIGNA_SECRET_FILE_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * Reads a file that nobody but its owner may read, of len_max bytes at most,
 * into cf->temp_pool, where it is wiped when the configuration is done.  The
 * directive is the one that names the file, for the errors.
 */
ngx_int_t ngx_cigna_secret_file_read(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, size_t len_max, ngx_str_t *content);

/*
 * The secret in a file of one line, or in an environment variable: not empty,
 * without its line end, in cf->pool.
 */
ngx_int_t ngx_cigna_secret_file_line(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, ngx_str_t *secret);
ngx_int_t ngx_cigna_secret_file_env(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, ngx_str_t *secret);


#endif /* _NGX_CIGNA_SECRET_FILE_H_INCLUDED_ */
