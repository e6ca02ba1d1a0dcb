/*
 * How every shim takes its arguments: each one is fetched once, checked for type and range, and never trusted after that.
 * A function that returns false has thrown; its caller returns NULL at once.
 * Read: https://nodejs.org/api/n-api.html ("Working with JavaScript values").
 */
#ifndef XLAT464_ARGUMENTS_H
#define XLAT464_ARGUMENTS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The memory of a Uint8Array, borrowed for one call. */
typedef struct {
  uint8_t *data;
  size_t length;
} byte_array;

/* The memory of an Int32Array, borrowed for one call; `length` counts elements. */
typedef struct {
  int32_t *data;
  size_t length;
} int32_array;

/* Fetches exactly `count` arguments; those that are missing are undefined, which the functions below refuse. */
bool take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *argv);

/* A whole number in [min, max]; TypeError if it is no number, RangeError if it is out of range. */
bool take_int(napi_env env, napi_value value, const char *name, int64_t min, int64_t max, int64_t *out);

/* A file descriptor. -1 passes: the system call answers it with EBADF. */
bool take_fd(napi_env env, napi_value value, int *out);

bool take_bool(napi_env env, napi_value value, const char *name, bool *out);

bool take_bytes(napi_env env, napi_value value, const char *name, byte_array *out);

/* A Uint8Array of exactly `length` bytes, copied to `out`. */
bool take_exact_bytes(napi_env env, napi_value value, const char *name, size_t length, void *out);

bool take_int32s(napi_env env, napi_value value, const char *name, int32_array *out);

/* Text that fits `size` bytes with its final NUL and contains no other NUL. */
bool take_text(napi_env env, napi_value value, const char *name, char *out, size_t size);

#endif
