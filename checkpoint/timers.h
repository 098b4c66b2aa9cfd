/*
 * Periodic timer descriptors in CRIU's images: one that had run out when it was saved has no time left there, by
 * which a restore leaves it unarmed for ever (CRIU up to 4.2). It gets its period instead. To be removed once the
 * oldest CRIU that is driven saves it whole. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_TIMERS_H
#define LVM_RUN_CHECKPOINT_TIMERS_H

#include "base/error.h"
#include "base/str.h"

/* In the images of a directory; most have nothing to be mended, and are left alone. */
int timers_mend(int directory, struct error *err) must_check;

/* The bytes of a files.img: 1 with *ret when something was mended, 0, or −EBADMSG for bytes that are none. */
int timers_mend_image(const void *data, size_t size, struct strbuf *ret) must_check;

#endif
