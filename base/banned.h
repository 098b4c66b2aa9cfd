/*
 * Functions that no file of this project may call, made a compile error.
 *
 * The Makefile includes this header before every source (-include base/banned.h); nobody includes
 * it by hand. The standard headers come first, because a poisoned name may not even be declared
 * afterwards. What to call instead:
 *
 *   strcpy strcat stpcpy   base/str.h, or snprintf with its result checked
 *   sprintf vsprintf       snprintf, vsnprintf
 *   strtok                 strsep, strcspn
 *   atoi atol atoll strtol the checked number parsers of base/str.h
 *   system popen           base/process.h: an argument vector, never a shell
 *   mktemp tmpnam tempnam  mkostemp, mkdtemp, O_TMPFILE
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#pragma GCC poison strcpy strcat stpcpy
#pragma GCC poison sprintf vsprintf
#pragma GCC poison strtok
#pragma GCC poison atoi atol atoll strtol
#pragma GCC poison system popen
#pragma GCC poison mktemp tmpnam tempnam

#endif
