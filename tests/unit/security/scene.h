/*
 * For the tests of the lockdown: a process whose configuration is given in members of its JSON object goes
 * through both lists of steps, with a look after each.
 */
#ifndef LVM_RUN_TESTS_UNIT_SECURITY_SCENE_H
#define LVM_RUN_TESTS_UNIT_SECURITY_SCENE_H

#include <linux/capability.h>

#include "security/lockdown.h"
#include "tests/unit/security/support.h"

/* What runs in the child: both lists, with a look after each. */
struct scene {
	const char *process; /* members of the process object */
	const char *seccomp; /* null: none */
	const char *keyring;
	child_function *after_created; /* may be null */
	child_function *after_exec;
	/* made by stage() */
	struct spec *spec;
	struct spec *section;
	struct spec_personality personality;
	struct lockdown_plan *plan;
	int proc_fd;
	bool user_namespace;
	const long *other_keyring;
};

maybe_unused static const struct spec_seccomp no_seccomp;

maybe_unused static void scene_prepare(struct scene *scene)
{
	struct error err = {0};
	char *text = str_format("{\"args\":[\"/x\"],\"cwd\":\"/\"%s%s}",
	                        scene->process[0] ? "," : "", scene->process);

	if (spec_parse_process("test", text, strlen(text), &scene->spec, &err) < 0)
		fail_msg("%s", err.text);
	free(text);
	if (scene->seccomp)
		scene->section = parse_section(scene->seccomp);
	scene->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	const struct lockdown_request request = {
		.process = &scene->spec->process,
		.seccomp = scene->section ? &scene->section->linux.seccomp : &no_seccomp,
		.personality = &scene->personality,
		.user_namespace = scene->user_namespace,
		.keyring = scene->keyring,
		.proc_fd = scene->proc_fd,
		.cache_fd = -1,
	};

	if (lockdown_prepare(&request, &scene->plan, &err) < 0)
		fail_msg("%s", err.text);
}

maybe_unused static void scene_done(struct scene *scene)
{
	lockdown_plan_free(&scene->plan);
	spec_free(&scene->spec);
	spec_free(&scene->section);
	close(scene->proc_fd);
}

maybe_unused static const char *play(void *data)
{
	static struct error err;
	struct scene *scene = data;
	const char *text = NULL;

	if (lockdown_enter_created(scene->plan, &err) < 0)
		return err.text;
	if (scene->after_created)
		text = scene->after_created(scene);
	if (text)
		return text;
	if (lockdown_enter_exec(scene->plan, NULL, 0, &err) < 0)
		return err.text;
	return scene->after_exec ? scene->after_exec(scene) : NULL;
}

maybe_unused static void run_scene(struct scene scene)
{
	scene.user_namespace = true;
	scene_prepare(&scene);
	run_in_user_namespace(play, &scene);
	scene_done(&scene);
}

/* In the init user namespace, with the rights of whoever runs the test. */
maybe_unused static void run_scene_on_host(struct scene scene)
{
	if (geteuid() != 0) {
		print_message("SKIP needs root\n");
		skip();
	}
	scene_prepare(&scene);
	run_in_child(play, &scene);
	scene_done(&scene);
}

/* Ids other than the one own need a mapped range, which takes root here. */
maybe_unused static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("SKIP needs root to map a range of ids\n");
		skip();
	}
}

maybe_unused static const char *expect_masks(uint64_t inh, uint64_t prm, uint64_t eff, uint64_t bnd,
                                             uint64_t amb)
{
	const uint64_t got[] = {status_mask("CapInh"), status_mask("CapPrm"), status_mask("CapEff"),
	                        status_mask("CapBnd"), status_mask("CapAmb")};
	const uint64_t expected[] = {inh, prm, eff, bnd, amb};

	if (memcmp(got, expected, sizeof(got)) == 0)
		return NULL;
	return complain("CapInh %llx CapPrm %llx CapEff %llx CapBnd %llx CapAmb %llx",
	                (unsigned long long)got[0], (unsigned long long)got[1],
	                (unsigned long long)got[2], (unsigned long long)got[3],
	                (unsigned long long)got[4]);
}

#define BIT(n) (UINT64_C(1) << (n))

#endif
