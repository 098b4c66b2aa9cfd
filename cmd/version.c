#include "cmd/version.h"

#include <errno.h>

#include "base/str.h"
#include "checkpoint/criu.h"
#include "cmd/output.h"
#include "cmd/verbs.h"
#include "rootfs/rootfs.h"
#include "security/lockdown.h"
#include "spec/state.h"

const char version_number[] = LVM_RUN_VERSION;
const char version_commit[] = LVM_RUN_COMMIT;

static const char spec_version[] = "1.3.0";

/* Words that scripts and test suites look for. */
static const char built_in[] = "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF";

int version_print(const char *program, struct error *err)
{
	scoped_strbuf text = {0};
	char criu[PATH_MAX];
	struct error ignored;

	strbuf_addf(&text, "%s version %s\n", program, version_number);
	strbuf_addf(&text, "commit: %s\n", version_commit);
	strbuf_addf(&text, "spec: %s\n", spec_version);
	strbuf_addf(&text, "libseccomp: %s\n", lockdown_libseccomp_version());
	strbuf_addf(&text, "%s%s\n", built_in, criu_find(criu, &ignored) == 0 ? " +CRIU" : "");
	return output_buffer(&text, err);
}

int version_main(const struct call *call, struct error *err)
{
	return version_print(call->program, err);
}

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

int features_main(const struct call *call unused_parameter, struct error *err)
{
	const char *const *mount_options = rootfs_mount_option_names();
	const struct features_facts facts = {
		.version = version_number,
		.commit = version_commit,
		.libseccomp_version = lockdown_libseccomp_version(),
		.cgroup_v1 = true,
		.systemd = true,
		.mount_options = mount_options,
		.mount_option_count = count_words(mount_options),
		.idmap = true,
		.seccomp_architecture = lockdown_libseccomp_architecture,
		.systemd_user = true,
		.seccomp_flags = SECCOMP_SPEC_FLAG_TSYNC | SECCOMP_SPEC_FLAG_LOG |
	                         SECCOMP_SPEC_FLAG_SPEC_ALLOW |
	                         SECCOMP_SPEC_FLAG_WAIT_KILLABLE_RECV,
		.apparmor = true,
		.selinux = true,
		.checkpoint = criu_is_usable(),
	};
	scoped_str text = features_encode(&facts);

	if (!text)
		return error_code(err, ENOMEM, "features");
	return output_text(text, err);
}
