/* What can be below an overlay, and how it is named. Host side. */
#ifndef LVM_RUN_SANDBOX_OVERLAY_H
#define LVM_RUN_SANDBOX_OVERLAY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/*
 * Whether an overlay can have this directory below it. For the common file systems that is known; for
 * others (overlays above all, whose depth is limited) one is made and thrown away. Two layers are needed:
 * `other` is any directory without mounts below it that are not ours to lift off.
 */
bool overlay_possible(const char *lower, const char *other);

/* "KEY=PATH" with what the kernel would take for a separator escaped; null: no memory. */
const char *overlay_option(struct arena *arena, const char *key, const char *path);

/*
 * The overlay that such options ("userxattr", "upperdir=…" of overlay_option, …) make, never with setuid bits
 * or devices, attached nowhere; −errno with *err.
 */
int overlay_open_layers(const char *const *options, size_t count, struct error *err) must_check;

/*
 * The two directories as one, read-only and attached nowhere: what an overlay of them showed. −errno
 * with *err.
 */
int overlay_open(const char *upper, const char *lower, struct error *err) must_check;

#endif
