/* The descriptors that the caller left open. Host side. */
#ifndef LVM_RUN_RUNTIME_DESCRIPTORS_H
#define LVM_RUN_RUNTIME_DESCRIPTORS_H

#include "base/error.h"

/*
 * Descriptors 3 … 3+kept−1 are passed on to the program and keep their places: holes among them are
 * filled, so that nothing of ours lands there. All others become close-on-exec.
 */
int descriptors_guard(unsigned int kept, struct error *err) must_check;

#endif
