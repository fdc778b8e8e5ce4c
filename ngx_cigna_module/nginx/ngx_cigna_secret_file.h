
#ifndef _NGX_CIGNA_SECRET_FILE_H_INCLUDED_
#define _NGX_CIGNA_SECRET_FILE_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * All return NGX_ERROR after logging what is wrong.  directive: the name of the
 * directive that names the file or the variable, for the errors.
 */

/*
 * Reads a file of at most len_max bytes that only its owner may read.  content
 * is in cf->temp_pool, which wipes it after the configuration was read.
 */
ngx_int_t ngx_cigna_secret_file_read(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, size_t len_max, ngx_str_t *content);

/*
 * Reads a secret from a file of one line, or from an environment variable.
 * secret is in cf->pool, which wipes it, has no line end and is not empty.
 */
ngx_int_t ngx_cigna_secret_file_line(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, ngx_str_t *secret);
ngx_int_t ngx_cigna_secret_file_env(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, ngx_str_t *secret);


#endif /* _NGX_CIGNA_SECRET_FILE_H_INCLUDED_ */
