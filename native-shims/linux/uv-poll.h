/*
 * The part of libuv that watches a descriptor. Node exports these functions and promises the loop (napi_get_uv_event_loop), but the
 * npm package with the Node-API headers has no uv.h. libuv keeps its ABI throughout version 1; uv_handle_type_name shows that
 * the one number that is copied here means what it should. Read: docs.libuv.org, "uv_poll_t", "uv_handle_t".
 */
#ifndef XLAT464_UV_POLL_H
#define XLAT464_UV_POLL_H

#include <stddef.h>

struct uv_loop_s;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;

enum { UV_POLL_TYPE = 8, UV_POLL_READABLE = 1 };

const char *uv_handle_type_name(int type);
size_t uv_handle_size(int type);
void *uv_handle_get_data(const uv_handle_t *handle);
void uv_handle_set_data(uv_handle_t *handle, void *data);
void uv_close(uv_handle_t *handle, void (*closed)(uv_handle_t *handle));
int uv_poll_init(struct uv_loop_s *loop, uv_poll_t *handle, int fd);
int uv_poll_start(uv_poll_t *handle, int events, void (*ready)(uv_poll_t *handle, int status, int events));
int uv_poll_stop(uv_poll_t *handle);

#endif
