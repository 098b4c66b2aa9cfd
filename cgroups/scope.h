/*
 * What the helper is asked to do with systemd units, as text (base/helper.h):
 *
 *	systemd-start, -set         systemd-stop
 *	bus=system                  bus=system         or "user"
 *	timeout=5000                timeout=5000       ms
 *	unit=lvm-run-web1.scope     unit=…
 *	property=Slice s
 *	value=system.slice
 *	property=PIDs au            a property's D-Bus type, then its values: one, or those of the array
 *	value=4711
 *	property=IOReadBandwidthMax a(st)
 *	value=/dev/block/8:0 1000
 *	since=253                   the next property is left out for an older systemd
 *	property=MemoryZSwapMax t
 *	value=1000
 *
 * Start answers when systemd's job is done, set when systemd has written the values. Pure. Host side.
 */
#ifndef LVM_RUN_CGROUPS_SCOPE_H
#define LVM_RUN_CGROUPS_SCOPE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "cgroups/limits.h"
#include "cgroups/path.h"

struct scope_request {
	const char *id;
	bool user_bus;
	const struct unit_path *unit;
	const struct limit_list *limits;
	const struct spec_annotation *annotations;
	size_t annotation_count;
};

/* All of a start request but PIDs, which scope_add_pid appends. An error names the annotation. */
int scope_write_start(const struct scope_request *request, struct strbuf *ret,
                      struct error *err) must_check;
void scope_add_pid(struct strbuf *request, pid_t pid);
/* Changes the properties that stand for `limits`; *ret stays empty when none of them has one. */
int scope_write_set(bool user_bus, const char *unit, const struct limit_list *limits,
                    struct strbuf *ret, struct error *err) must_check;
void scope_write_stop(bool user_bus, const char *unit, struct strbuf *ret);

#endif
