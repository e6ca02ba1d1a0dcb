/*
 * How every shim fails. A failed system call becomes an Error with `code` ("EBUSY"), `errno` (16) and `syscall`
 * ("ioctl(TUNSETIFF)"); a wrong argument a TypeError or RangeError. All return a value that the caller can return as it is.
 * Read: errno(3).
 */
#ifndef XLAT464_FAILURE_H
#define XLAT464_FAILURE_H

#include <node_api.h>
#include <stdbool.h>

/* Throws the Error of a failed system call. @returns NULL */
napi_value throw_errno(napi_env env, int number, const char *syscall);

/* Throw "<name> <what>". @returns false */
bool throw_type(napi_env env, const char *name, const char *what);
bool throw_range(napi_env env, const char *name, const char *what);

/* Whether a Node-API call succeeded; if not, an exception is pending. */
bool napi_worked(napi_env env, napi_status status);

/* "EBUSY" for EBUSY, or NULL for a number that the table does not have. */
const char *errno_name(int number);

#endif
