
#include "ngx_cigna_secret_file.h"
#include "ngx_cigna_block.h"
#include "ngx_cigna_pool_secret.h"

#include "base/cigna_slice.h"


#define NGX_CIGNA_SECRET_LEN_MAX  4096


static ngx_int_t ngx_cigna_secret_file_content(ngx_conf_t *cf,
    const char *directive, ngx_str_t *name, size_t len_max, ngx_fd_t fd,
    ngx_str_t *content);
static ngx_int_t ngx_cigna_secret_file_safe(ngx_conf_t *cf,
    const char *directive, ngx_str_t *name, size_t len_max,
    ngx_file_info_t *fi);
static ngx_int_t ngx_cigna_secret_file_copy(ngx_conf_t *cf,
    const char *directive, ngx_str_t *from, cigna_slice_t text,
    ngx_str_t *secret);


ngx_int_t
ngx_cigna_secret_file_read(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, size_t len_max, ngx_str_t *content)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* nonblocking: opening a FIFO would block, and a FIFO is refused below */

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%s\" cannot open \"%V\"", directive, file);
        return NGX_ERROR;
    }

    rc = ngx_cigna_secret_file_content(cf, directive, file, len_max, fd,
                                       content);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    return rc;
}


static ngx_int_t
ngx_cigna_secret_file_content(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, size_t len_max, ngx_fd_t fd, ngx_str_t *content)
{
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    if (ngx_cigna_secret_file_safe(cf, directive, name, len_max, &fi)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    content->len = ngx_file_size(&fi);
    content->data = ngx_cigna_pool_secret_alloc(cf->temp_pool, content->len);

    if (content->data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, content->data, content->len);

    if (n != (ssize_t) content->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, (n == -1) ? ngx_errno : 0,
                           "\"%s\" cannot read \"%V\"", directive, name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_secret_file_safe(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, size_t len_max, ngx_file_info_t *fi)
{
    if (!ngx_is_file(fi)) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" must name a regular file, \"%V\" is not one", directive,
            name);
    }

    if (ngx_file_access(fi) & 0077) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" file \"%V\" is open to others than its owner, use \"chmod "
            "600\"", directive, name);
    }

    if (ngx_file_size(fi) > (off_t) len_max) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" file \"%V\" is larger than %uz bytes, is it the right "
            "file?", directive, name, len_max);
    }

    return NGX_OK;
}


ngx_int_t
ngx_cigna_secret_file_line(ngx_conf_t *cf, const char *directive,
    ngx_str_t *file, ngx_str_t *secret)
{
    ngx_str_t  line;

    if (ngx_cigna_secret_file_read(cf, directive, file,
                                   NGX_CIGNA_SECRET_LEN_MAX, &line)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the line end that editors and echo add is not part of the secret */

    if (line.len && line.data[line.len - 1] == LF) {
        line.len--;

        if (line.len && line.data[line.len - 1] == CR) {
            line.len--;
        }
    }

    return ngx_cigna_secret_file_copy(cf, directive, file,
               cigna_slice_make(line.data, line.data + line.len), secret);
}


ngx_int_t
ngx_cigna_secret_file_env(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, ngx_str_t *secret)
{
    const char  *value;

    value = getenv((char *) name->data);

    if (value == NULL) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" names \"%V\", which is not in the environment that nginx "
            "was started with", directive, name);
    }

    return ngx_cigna_secret_file_copy(cf, directive, name,
                                      cigna_slice_str(value), secret);
}


static ngx_int_t
ngx_cigna_secret_file_copy(ngx_conf_t *cf, const char *directive,
    ngx_str_t *from, cigna_slice_t text, ngx_str_t *secret)
{
    if (text.len == 0) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" finds an empty secret in \"%V\"", directive, from);
    }

    if (!cigna_slice_plain(text) || cigna_slice_has(text, '\t')) {
        return ngx_cigna_conf_error(cf,
            "\"%s\" finds a control byte or a second line in \"%V\", which "
            "must hold the secret alone", directive, from);
    }

    return ngx_cigna_pool_secret_copy(cf->pool, secret, text.data, text.len);
}
