/*
 * For clang-tidy alone, which looks at one source at a time: what every caller of these functions
 * relies on and base/error.h promises, namely that they return a negative number.
 */
#include "base/error.h"

#define error_set(err, code, ...) (error_set(err, code, __VA_ARGS__), -1)
#define error_errno(err, ...) (error_errno(err, __VA_ARGS__), -1)
#define error_code(err, code, ...) (error_code(err, code, __VA_ARGS__), -1)
#define error_wrap(err, ...) (error_wrap(err, __VA_ARGS__), -1)
