/*
 * The parts of spec_validate and spec_check. Inside spec/ only. Each function reports what it finds to
 * `out` (spec/findings.h) and returns what that returned: 0 means that all was looked at.
 */
#ifndef LVM_RUN_SPEC_VALIDATE_H
#define LVM_RUN_SPEC_VALIDATE_H

#include "spec/findings.h"
#include "spec/spec.h"

int spec_check_id_mappings(const char *path, const struct spec_id_mappings *mappings,
                           const struct spec_sink *out) must_check;

/* validate_sysctl.c */
int spec_check_sysctl(const struct spec *spec, const struct spec_sink *out) must_check;

/* validate_seccomp.c */
int spec_check_seccomp(const struct spec_seccomp *seccomp, const struct spec_sink *out) must_check;

/* validate_memory_policy.c, validate_net_devices.c, validate_intel_rdt.c */
int spec_check_memory_policy(const struct spec *spec, const struct spec_sink *out) must_check;
int spec_check_net_devices(const struct spec *spec, const struct spec_sink *out) must_check;
int spec_check_intel_rdt(const struct spec *spec, const struct spec_sink *out) must_check;

/* validate_linux.c: everything below linux, those above included */
int spec_check_linux(const struct spec *spec, const struct spec_sink *out) must_check;

/* validate_process.c */
int spec_check_process(const struct spec_process *process, const struct spec_sink *out) must_check;

/* validate.c: the mounts alone, but for what they need of the rest; all of it */
int spec_check_mounts(const struct spec *spec, const struct spec_sink *out) must_check;
int spec_check_all(const struct spec *spec, const struct spec_sink *out) must_check;

#endif
