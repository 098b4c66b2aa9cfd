#include "cmd/version.h"

#include <errno.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/verbs.h"
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

	strbuf_addf(&text, "%s version %s\n", program, version_number);
	strbuf_addf(&text, "commit: %s\n", version_commit);
	strbuf_addf(&text, "spec: %s\n", spec_version);
	strbuf_addf(&text, "libseccomp: %s\n", lockdown_libseccomp_version());
	strbuf_addf(&text, "%s\n", built_in);
	return output_buffer(&text, err);
}

int version_main(const struct call *call, struct error *err)
{
	return version_print(call->program, err);
}

int features_main(const struct call *call unused_parameter, struct error *err)
{
	const struct features_facts facts = {
		.version = version_number,
		.commit = version_commit,
		.libseccomp_version = lockdown_libseccomp_version(),
		.systemd = true,
	};
	scoped_str text = features_encode(&facts);

	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	return output_text(text, err);
}
