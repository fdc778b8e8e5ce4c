
#ifndef _NGX_CIGNA_SECRET_FILE_H_INCLUDED_
#define _NGX_CIGNA_SECRET_FILE_H_INCLUDED_


#include "ngx_cigna_compat.h"


/*
 * All functions return NGX_OK, or NGX_ERROR after logging the error.
 * "directive" is the name of the directive that names the file or the variable,
 * for error messages.
 */

/*
 * Reads a file of at most len_max bytes to which only its owner has access.
 * content is in cf->temp_pool, which wipes it once nginx has read its
 * configuration.
 */
ngx_int_t ngx_cigna_secret_file_read(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, size_t len_max, ngx_str_t *content);

/*
 * Reads a secret from a file of one line, or from an environment variable.
 * secret is in cf->pool, which wipes it.  It is not empty, and has no line end
 * or other control byte.
 */
ngx_int_t ngx_cigna_secret_file_line(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, ngx_str_t *secret);
ngx_int_t ngx_cigna_secret_file_env(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, ngx_str_t *secret);


#endif /* _NGX_CIGNA_SECRET_FILE_H_INCLUDED_ */
