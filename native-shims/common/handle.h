/*
 * Handle: a file descriptor that JavaScript owns through one object with `fd`, `close()` and `release()`. The object's
 * finaliser closes it when the object is collected or its thread ends, unless it was released to another owner. Read: close(2),
 * "Object wrap" in the Node-API documentation.
 */
#ifndef XLAT464_HANDLE_H
#define XLAT464_HANDLE_H

#include <node_api.h>

/* Wraps `fd` and owns it from now on: if the object cannot be made, `fd` is closed. @returns NULL after throwing */
napi_value make_handle(napi_env env, int fd);

#endif
