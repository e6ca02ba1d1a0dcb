/* Arguments of the shims; see arguments.h. */
#include "arguments.h"

#include <limits.h>
#include <string.h>

#include "failure.h"

bool take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *argv) {
  return napi_worked(env, napi_get_cb_info(env, info, &count, argv, NULL, NULL));
}

bool take_int(napi_env env, napi_value value, const char *name, int64_t min, int64_t max, int64_t *out) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return throw_type(env, name, "must be a number");
  /* Written so that NaN fails it; the cast is defined only for what passed. */
  if (!(number >= (double)min && number <= (double)max)) return throw_range(env, name, "is out of range");
  *out = (int64_t)number;
  if ((double)*out != number) return throw_range(env, name, "must be a whole number");
  return true;
}

bool take_fd(napi_env env, napi_value value, int *out) {
  int64_t number = -1;
  if (!take_int(env, value, "fd", -1, INT_MAX, &number)) return false;
  *out = (int)number;
  return true;
}

bool take_bool(napi_env env, napi_value value, const char *name, bool *out) {
  if (napi_get_value_bool(env, value, out) != napi_ok) return throw_type(env, name, "must be a boolean");
  return true;
}

/* The memory of a typed array of one kind; a detached array has length 0 and passes as empty. */
static bool typed_array(napi_env env, napi_value value, napi_typedarray_type wanted, void **data, size_t *length) {
  napi_typedarray_type type;
  bool is_typed_array = false;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) return false;
  if (napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) != napi_ok) return false;
  return type == wanted;
}

bool take_bytes(napi_env env, napi_value value, const char *name, byte_array *out) {
  void *data = NULL;
  if (!typed_array(env, value, napi_uint8_array, &data, &out->length)) {
    return throw_type(env, name, "must be a Uint8Array");
  }
  out->data = data;
  return true;
}

bool take_exact_bytes(napi_env env, napi_value value, const char *name, size_t length, void *out) {
  byte_array bytes;
  if (!take_bytes(env, value, name, &bytes)) return false;
  if (bytes.length != length) return throw_range(env, name, "has the wrong length");
  memcpy(out, bytes.data, length);
  return true;
}

bool take_int32s(napi_env env, napi_value value, const char *name, int32_array *out) {
  void *data = NULL;
  if (!typed_array(env, value, napi_int32_array, &data, &out->length)) {
    return throw_type(env, name, "must be an Int32Array");
  }
  out->data = data;
  return true;
}

bool take_text(napi_env env, napi_value value, const char *name, char *out, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    return throw_type(env, name, "must be a string");
  }
  if (length >= size) return throw_range(env, name, "is too long");
  if (!napi_worked(env, napi_get_value_string_utf8(env, value, out, size, &length))) return false;
  if (strlen(out) != length) return throw_range(env, name, "contains a NUL");
  return true;
}
