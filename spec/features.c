#include <stdlib.h>

#include "spec/annotations.h"
#include "spec/sections.h"
#include "spec/state.h"
#include "spec/writer.h"

static void add_words(struct json_writer *w, const char *key, const struct json_word *words)
{
	json_writer_array(w, key);
	for (; words->word; words++)
		json_writer_string(w, NULL, words->word);
	json_writer_end(w);
}

static void add_enabled(struct json_writer *w, const char *key, bool enabled)
{
	json_writer_object(w, key);
	json_writer_bool(w, "enabled", enabled);
	json_writer_end(w);
}

static void add_capabilities(struct json_writer *w)
{
	json_writer_array(w, "capabilities");
	for (int number = 0; spec_capability_name(number); number++)
		json_writer_string(w, NULL, spec_capability_name(number));
	json_writer_end(w);
}

static void add_cgroup(struct json_writer *w, const struct features_facts *facts)
{
	json_writer_object(w, "cgroup");
	json_writer_bool(w, "v1", facts->cgroup_v1);
	json_writer_bool(w, "v2", true);
	json_writer_bool(w, "systemd", facts->systemd);
	json_writer_bool(w, "systemdUser", facts->systemd_user);
	json_writer_bool(w, "rdma", true);
	json_writer_end(w);
}

static void add_architectures(struct json_writer *w, const struct features_facts *facts)
{
	json_writer_array(w, "archs");
	for (const struct json_word *arch = spec_seccomp_architectures; arch->word; arch++) {
		if (!facts->seccomp_architecture || facts->seccomp_architecture(arch->word))
			json_writer_string(w, NULL, arch->word);
	}
	json_writer_end(w);
}

static void add_supported_flags(struct json_writer *w, uint32_t flags)
{
	json_writer_array(w, "supportedFlags");
	for (const struct json_word *flag = spec_seccomp_flags; flag->word; flag++) {
		if (flags & (uint32_t)flag->value)
			json_writer_string(w, NULL, flag->word);
	}
	json_writer_end(w);
}

static void add_seccomp(struct json_writer *w, const struct features_facts *facts)
{
	json_writer_object(w, "seccomp");
	json_writer_bool(w, "enabled", facts->libseccomp_version != NULL);
	if (facts->libseccomp_version) {
		add_words(w, "actions", spec_seccomp_actions);
		add_words(w, "operators", spec_seccomp_operators);
		add_architectures(w, facts);
		add_words(w, "knownFlags", spec_seccomp_flags);
		add_supported_flags(w, facts->seccomp_flags);
	}
	json_writer_end(w);
}

static void add_linux(struct json_writer *w, const struct features_facts *facts)
{
	json_writer_object(w, "linux");
	json_writer_strings(w, "namespaces", spec_namespace_names, NAMESPACE_TYPE_COUNT);
	add_capabilities(w);
	add_cgroup(w, facts);
	add_seccomp(w, facts);
	add_enabled(w, "apparmor", facts->apparmor);
	add_enabled(w, "selinux", facts->selinux);
	json_writer_object(w, "intelRdt");
	json_writer_bool(w, "enabled", true);
	json_writer_bool(w, "schemata", true);
	json_writer_bool(w, "monitoring", true);
	json_writer_end(w);
	json_writer_object(w, "memoryPolicy");
	add_words(w, "modes", spec_memory_modes);
	add_words(w, "flags", spec_memory_flags);
	json_writer_end(w);
	json_writer_object(w, "mountExtensions");
	add_enabled(w, "idmap", facts->idmap);
	json_writer_end(w);
	add_enabled(w, "netDevices", true);
	json_writer_end(w);
}

/* The keys that are treated so, separated by commas: values of annotations are strings. */
static void add_annotation_keys(struct json_writer *w, const char *name, enum annotation_use use)
{
	scoped_strbuf keys = {0};

	for (const struct known_annotation *known = known_annotations; known->key; known++) {
		if (known->use == use)
			strbuf_addf(&keys, "%s%s", keys.length > 0 ? "," : "", known->key);
	}
	if (keys.data)
		json_writer_string(w, name, keys.data);
}

/* The runc. one is where engines look for it, whatever the runtime's name. */
static void add_annotations(struct json_writer *w, const struct features_facts *facts)
{
	json_writer_object(w, "annotations");
	json_writer_optional(w, "io.github.seccomp.libseccomp.version", facts->libseccomp_version);
	json_writer_string(w, "org.opencontainers.runc.checkpoint.enabled",
	                   facts->checkpoint ? "true" : "false");
	add_annotation_keys(w, "run.lvm.annotations", ANNOTATION_HONOURED);
	add_annotation_keys(w, "run.lvm.annotations.refused", ANNOTATION_REFUSED);
	json_writer_optional(w, "run.lvm.version", facts->version);
	json_writer_optional(w, "run.lvm.commit", facts->commit);
	json_writer_end(w);
}

/* Annotations with which whoever writes the configuration gains rights over the host. */
static void add_unsafe_annotations(struct json_writer *w, const struct features_facts *facts)
{
	json_writer_array(w, "potentiallyUnsafeConfigAnnotations");
	for (const struct known_annotation *known = known_annotations; known->key; known++) {
		if (known->unsafe && (facts->systemd || !str_starts(known->key, "org.systemd.")))
			json_writer_string(w, NULL, known->key);
	}
	if (facts->checkpoint)
		json_writer_string(w, NULL, "org.criu.config");
	json_writer_end(w);
}

char *features_encode(const struct features_facts *facts)
{
	struct json_writer w = {.indented = true};

	json_writer_object(&w, NULL);
	json_writer_string(&w, "ociVersionMin", SPEC_VERSION_MIN);
	json_writer_string(&w, "ociVersionMax", SPEC_VERSION);
	json_writer_strings(&w, "hooks", spec_hook_names, HOOK_KIND_COUNT);
	json_writer_strings(&w, "mountOptions", facts->mount_options, facts->mount_option_count);
	add_linux(&w, facts);
	add_annotations(&w, facts);
	add_unsafe_annotations(&w, facts);
	json_writer_end(&w);
	return json_writer_take(&w);
}
