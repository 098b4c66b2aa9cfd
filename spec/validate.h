/*
 * The parts of spec_validate. Inside spec/ only. Each function returns 0 or fills the error, whose
 * text begins with the JSON path of the finding.
 */
#ifndef LVM_RUN_SPEC_VALIDATE_H
#define LVM_RUN_SPEC_VALIDATE_H

#include "spec/spec.h"

/* EINVAL with a text that begins with `path`. */
int spec_invalid(struct error *err, const char *path, const char *format, ...) printf_like(3, 4);

int spec_validate_id_mappings(const char *path, const struct spec_id_mappings *mappings,
                              struct error *err) must_check;

/* validate_sysctl.c */
int spec_validate_sysctl(const struct spec *spec, struct error *err) must_check;

/* validate_seccomp.c */
int spec_validate_seccomp(const struct spec_seccomp *seccomp, struct error *err) must_check;

/* validate_linux.c: everything below linux, those two included */
int spec_validate_linux(const struct spec *spec, struct error *err) must_check;

/* validate_process.c: spec_validate_process */

#endif
