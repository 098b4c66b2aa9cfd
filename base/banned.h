/*
 * Functions that no file of this project may call, made a compile error.
 *
 * The Makefile includes this header before every source (-include base/banned.h); nobody includes
 * it by hand. Each name is declared once more as deprecated, and -Werror does the rest. (A poisoned
 * identifier would also forbid the kernel headers that have the word in a list.) Only gcc takes that
declaration after an inline definition in glibc's headers, so clang leaves it out. Instead of
 *
 *   strcpy strcat stpcpy       base/str.h, or snprintf with its result checked
 *   sprintf vsprintf           snprintf, vsnprintf
 *   strtok                     strsep, strcspn
 *   atoi atol atoll strtol     the checked number parsers of base/str.h
 *   system popen               base/process.h: an argument vector, never a shell
 *   mktemp tmpnam tempnam      mkostemp, mkdtemp, O_TMPFILE
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __clang__

#define BANNED(name)                                                                               \
	extern __typeof__(name) name __attribute__((deprecated("banned, see base/banned.h")))

BANNED(strcpy);
BANNED(strcat);
BANNED(stpcpy);
BANNED(sprintf);
BANNED(vsprintf);
BANNED(strtok);
BANNED(atoi);
BANNED(atol);
BANNED(atoll);
BANNED(strtol);
BANNED(system);
BANNED(popen);
BANNED(mktemp);
BANNED(tmpnam);
BANNED(tempnam);

#undef BANNED

#endif

#endif
