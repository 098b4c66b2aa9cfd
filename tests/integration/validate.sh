#!/usr/bin/env bash
# validate: all findings of a bundle, none of which makes anything.
. "$(dirname "$0")/../support/lib.sh"

findings() { lvm validate --format json "$@" | jq -r '.findings[] | "\(.level) \(.path)"'; }

the_default_bundle_is_valid() {
	new_bundle good
	expect_output "$BUNDLE: valid" lvm validate "$BUNDLE"
	cd "$BUNDLE"
	expect_output '.: valid' lvm validate
	nothing_left
}

every_error_is_listed() {
	new_bundle wrong '.process.cwd = 4' '.process.rlimits = [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}]' \
		'.mounts += [{"destination": "/x", "source": "/nowhere", "options": ["bind"]}]' \
		'.linux.maskedPaths = ["a"]' '.colour = 1' '.process.args = ["nosuch"]'
	expect_exit 1 lvm validate "$BUNDLE" >"$T/text"
	grep -x 'error: process.cwd: expected a string, got 4' "$T/text"
	grep -x 'error: process.rlimits\[0\].soft: is above the hard limit of RLIMIT_CPU' "$T/text"
	grep -x 'error: linux.maskedPaths\[0\]: "a" is not absolute' "$T/text"
	grep -x 'note: colour: unknown property, ignored' "$T/text"
	grep -x 'warning: mounts\[[0-9]*\].source: "/nowhere": No such file or directory' "$T/text"
	grep -x 'warning: process.args\[0\]: executable file not found in the root file system: "nosuch"' "$T/text"
	tail -n 1 "$T/text" | grep 'not valid: 3 errors, 2 warnings'
	expect_exit 1 lvm validate --format json "$BUNDLE" >"$T/json"
	jq -e '.valid == false and (.findings | length) == 6' "$T/json"
}

what_the_host_lacks_is_a_warning() {
	new_bundle host '.hooks.prestart = [{"path": "/nowhere/hook"}]' '.linux.sysctl = {"net.nothing": "1"}' \
		'.root.path = "none"'
	findings "$BUNDLE" >"$T/found"
	cat "$T/found"
	expect_equal 'warning hooks.prestart[0].path
warning linux.sysctl["net.nothing"]
warning root.path' "$(sort "$T/found")"
	lvm validate "$BUNDLE" >/dev/null
}

a_program_is_looked_for_inside_the_root() {
	new_bundle inside '.process.args = ["/bin/escape"]'
	ln -s "$TESTKIT" "$BUNDLE/rootfs/bin/escape"
	expect_equal 'warning process.args[0]' "$(findings "$BUNDLE")"
	edit_config '.mounts += [{"destination": "/bin", "type": "tmpfs"}]'
	expect_equal '' "$(findings "$BUNDLE")"
	edit_config '.process.args = ["/etc"]'
	expect_equal 'warning process.args[0]' "$(findings "$BUNDLE")"
}

limits_without_a_controller_are_warnings() {
	new_bundle limits '.linux.resources = {"rdma": {}, "unified": {"nosuch.max": "1"}, "memory": {"limit": 10, "swap": 5}}'
	findings "$BUNDLE" >"$T/found" || :
	grep -F 'linux.resources.unified' "$T/found"
	grep -F 'linux.resources.memory' "$T/found"
	expect_exit 1 lvm create -b "$BUNDLE" "$(new_id)"
}

no_json_is_an_error() {
	new_bundle broken
	echo '{' >"$BUNDLE/config.json"
	expect_error 'config.json:' lvm validate "$BUNDLE"
	expect_error 'bundle /nowhere' lvm validate /nowhere
}

# What create refuses because of the configuration alone, validate calls an error.
it_agrees_with_create() {
	local filter
	new_bundle agree
	cp "$BUNDLE/config.json" "$T/good.json"
	for filter in '.ociVersion = "2.0.0"' '.process.args = []' '.hostname = ("x" * 65)' \
		'.linux.namespaces += [{"type": "pid"}]' '.linux.seccomp = {"defaultAction": "SCMP_ACT_NONE"}' \
		'.process.user.umask = 512' '.mounts += [{"destination": "/x", "options": ["bind"]}]'; do
		cp "$T/good.json" "$BUNDLE/config.json"
		edit_config "$filter"
		expect_exit 1 lvm validate "$BUNDLE"
		expect_exit 1 lvm create -b "$BUNDLE" "$(new_id)"
	done
}

check 'the default bundle is valid' the_default_bundle_is_valid
check 'every error is listed with its place, in text and as JSON' every_error_is_listed
check 'what this host lacks is a warning' what_the_host_lacks_is_a_warning
check 'the program is looked for inside the root, and not below mounts' a_program_is_looked_for_inside_the_root
check 'limits that cannot be set here are listed one by one' limits_without_a_controller_are_warnings
check 'what is no JSON, or no bundle, is an error' no_json_is_an_error
check 'it agrees with create on what is wrong' it_agrees_with_create
finish
