/* Small macros that every level may use. None of them returns, jumps or evaluates twice. */
#ifndef LVM_RUN_BASE_MACRO_H
#define LVM_RUN_BASE_MACRO_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

/* A caller that drops the result of such a function does not compile. */
#define must_check __attribute__((warn_unused_result))

/* Checks the arguments of a function like printf at compile time. */
#define printf_like(format_index, first_index)                                                     \
	__attribute__((format(printf, format_index, first_index)))

/* Calls `function(&variable)` when the variable leaves its scope. */
#define scoped(function) __attribute__((cleanup(function)))

/* Marks a parameter that an interface hands over and this function does not need. */
#define unused_parameter __attribute__((unused))

#endif
