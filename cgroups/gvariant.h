/*
 * The text form of GVariant, as annotations org.systemd.property.<Name> carry it, in the part that
 * unit properties need: booleans, numbers, strings, and arrays of one of these. Pure. Host side.
 *
 *	true   5   uint64 5   byte 0x1f   2.5   'text'   "text"   ['a', 'b']   [uint64 1, 2]   @as []
 */
#ifndef LVM_RUN_CGROUPS_GVARIANT_H
#define LVM_RUN_CGROUPS_GVARIANT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct gvariant {
	char type; /* D-Bus type of the value or the elements: b y n q i u x t d s */
	bool array;
	const char **items; /* each as plain text: "true", "5", the string without quotes */
	size_t count;       /* 1 unless an array */
};

/* −EINVAL for what is not understood or out of the type's range, −ENOMEM. */
int gvariant_parse(const char *text, struct arena *arena, struct gvariant *ret) must_check;

#endif
