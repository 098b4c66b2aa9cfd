/* What can be below an overlay, and how it is named. Host side. */
#ifndef LVM_RUN_SANDBOX_OVERLAY_H
#define LVM_RUN_SANDBOX_OVERLAY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/*
 * Whether an overlay can have this directory below it. For the common file systems that is known; for
 * others (overlays above all, whose depth is limited) one is made and thrown away.
 */
bool overlay_possible(const char *lower);

/* "lowerdir=…" with what the kernel would take for a separator escaped; null: no memory. */
const char *overlay_lower_option(struct arena *arena, const char *lower);

/*
 * The two directories as one, read-only and attached nowhere: what an overlay of them showed. −errno
 * with *err.
 */
int overlay_open(const char *upper, const char *lower, struct error *err) must_check;

#endif
