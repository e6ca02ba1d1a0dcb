/* Exceptions of the shims; see failure.h. */
#include "failure.h"

#include <stdio.h>
#include <string.h>

static bool set_text(napi_env env, napi_value object, const char *key, const char *text) {
  napi_value value;
  return napi_worked(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value)) &&
         napi_worked(env, napi_set_named_property(env, object, key, value));
}

static bool set_number(napi_env env, napi_value object, const char *key, int number) {
  napi_value value;
  return napi_worked(env, napi_create_int32(env, number, &value)) &&
         napi_worked(env, napi_set_named_property(env, object, key, value));
}

napi_value throw_errno(napi_env env, int number, const char *syscall) {
  char unknown[24];
  char text[256];
  napi_value message;
  napi_value error;
  const char *name = errno_name(number);
  if (name == NULL) {
    snprintf(unknown, sizeof unknown, "E%d", number);
    name = unknown;
  }
  /* strerror(3) is not reentrant for unknown numbers alone; their text is not worth a lock, so it is left out. */
  snprintf(text, sizeof text, "%s: %s, %s", name, name == unknown ? "unknown error" : strerror(number), syscall);
  if (!napi_worked(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message))) return NULL;
  if (!napi_worked(env, napi_create_error(env, NULL, message, &error))) return NULL;
  if (!set_text(env, error, "code", name) || !set_text(env, error, "syscall", syscall)) return NULL;
  if (!set_number(env, error, "errno", number)) return NULL;
  napi_throw(env, error);
  return NULL;
}

bool throw_type(napi_env env, const char *name, const char *what) {
  char text[128];
  snprintf(text, sizeof text, "%s %s", name, what);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
  return false;
}

bool throw_range(napi_env env, const char *name, const char *what) {
  char text[128];
  snprintf(text, sizeof text, "%s %s", name, what);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
  return false;
}

bool napi_worked(napi_env env, napi_status status) {
  const napi_extended_error_info *info = NULL;
  bool pending = false;
  if (status == napi_ok) return true;
  napi_get_last_error_info(env, &info);
  napi_is_exception_pending(env, &pending);
  if (!pending) {
    const char *text = info != NULL && info->error_message != NULL ? info->error_message : "Node-API call failed";
    napi_throw_error(env, "ERR_NODE_API", text);
  }
  return false;
}
