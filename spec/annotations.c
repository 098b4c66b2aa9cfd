#include "spec/annotations.h"

#include "base/str.h"

const struct known_annotation known_annotations[] = {
	{"org.systemd.property.", ANNOTATION_HONOURED, true, NULL},
	{ANNOTATION_KEEP_GROUPS, ANNOTATION_HONOURED, true, NULL},
	{ANNOTATION_HOOKS_STDOUT, ANNOTATION_HONOURED, true, NULL},
	{ANNOTATION_HOOKS_STDERR, ANNOTATION_HONOURED, true, NULL},
	{ANNOTATION_PIDFD_RECEIVER, ANNOTATION_HONOURED, true, NULL},
	{ANNOTATION_SECCOMP_RECEIVER, ANNOTATION_HONOURED, true, NULL},
	{ANNOTATION_SECCOMP_UNKNOWN, ANNOTATION_HONOURED, false, NULL},
	{ANNOTATION_MOUNT_CONTEXT, ANNOTATION_HONOURED, false, NULL},
	{"run.oci.seccomp_bpf_data", ANNOTATION_REFUSED, false,
         "a filter as raw BPF is not taken; without it the container would run unconfined"},
	{"run.oci.seccomp.plugins", ANNOTATION_REFUSED, false,
         "plugins are not loaded; without them the agent would not decide what it should"},
	{"run.oci.handler", ANNOTATION_REFUSED, false,
         "there are no handlers; the container would run without the isolation asked for"},
	{"run.oci.systemd.force_cgroup_v1", ANNOTATION_IGNORED, false,
         "systemd's groups are those of cgroup v2"},
	{"run.oci.systemd.subgroup", ANNOTATION_IGNORED, false,
         "init lives in the scope's own group"},
	{"run.oci.delegate-cgroup", ANNOTATION_IGNORED, false,
         "init lives in the container's own group"},
	{"krun.", ANNOTATION_IGNORED, false, "of a runtime with virtual machines"},
	{"module.wasm.", ANNOTATION_IGNORED, false, "of a runtime for WebAssembly"},
	{0},
};

const struct known_annotation *annotation_find(const char *key)
{
	for (const struct known_annotation *known = known_annotations; known->key; known++) {
		if (str_equal(known->key, key) ||
		    (str_ends(known->key, ".") && str_starts(key, known->key)))
			return known;
	}
	return NULL;
}

bool annotation_is_on(const char *value)
{
	return value && (str_equal(value, "1") || str_equal(value, "true"));
}
