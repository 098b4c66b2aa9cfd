#!/usr/bin/env bash
# Annotations that mean something (docs/annotations.md).
# not for the test machine: nothing of it is missing on another machine
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

[ "$(id -u)" -eq 0 ] || skip 'needs root (the default bundle)'

# noted NAME SCRIPT ANNOTATIONS [FILTER…]: a bundle with them.
noted() {
	new_bundle "$1" ".annotations = $3" "${@:4}"
	edit_config --arg s "$2" '.process.args = ["sh", "-c", $s]'
	ID=$(new_id)
}

with_groups() { setpriv --groups 1234,4321 "$@"; }

groups_are_kept_when_asked_for() {
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	noted groups 'grep ^Groups: /proc/self/status; sleep 1000' '{"run.oci.keep_original_groups": "1"}' \
		'.process.user.additionalGids = []'
	with_groups "$RUNTIME" --root "$ROOT" run -d -b "$BUNDLE" "$ID" >"$T/groups.out" 2>&1 </dev/null
	wait_for 5 grep -q 1234 "$T/groups.out"
	grep -E '1234 4321' "$T/groups.out"
	# Those of who calls exec are somebody else's.
	expect_equal '' "$(with_groups "$RUNTIME" --root "$ROOT" exec "$ID" awk '/^Groups:/ {$1 = ""; print $0}' /proc/self/status | tr -d ' ')"
	lvm delete --force "$ID"
	edit_config 'del(.annotations) | .process.args = ["awk", "/^Groups:/ {print NF}", "/proc/self/status"]'
	expect_equal 1 "$(with_groups "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" "$(new_id)")"
}

groups_are_kept_in_a_user_namespace() {
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	noted usergroups 'awk "/^Groups:/ {print NF}" /proc/self/status' '{"run.oci.keep_original_groups": "1"}' \
		'.process.user.additionalGids = []' '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' '.linux.gidMappings = .linux.uidMappings'
	# They have no number in there, but count all the same.
	expect_equal 3 "$(with_groups "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" "$ID")"
}

hooks_write_to_files() {
	noted hooks true "{\"run.oci.hooks.stdout\": \"$T/out\", \"run.oci.hooks.stderr\": \"$T/err\"}" '.hooks = {
		"prestart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo one; echo two >&2"]}],
		"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo three"]}]}'
	expect_equal '' "$(lvm run -b "$BUNDLE" "$ID" 2>&1)"
	expect_equal $'one\nthree' "$(cat "$T/out")"
	expect_equal two "$(cat "$T/err")"
	edit_config '.annotations["run.oci.hooks.stdout"] = "/nowhere/file"'
	expect_error 'run.oci.hooks.stdout: open /nowhere/file' lvm run -b "$BUNDLE" "$(new_id)"
}

a_receiver_gets_the_pidfd() {
	local receiver
	noted pidfd 'sleep 1000' "{\"run.oci.pidfd_receiver\": \"$T/pidfd.sock\"}"
	timeout 100 "$TESTKIT" pidfd "$T/pidfd.sock" >"$T/pid" &
	receiver=$!
	wait_for 5 test -S "$T/pidfd.sock"
	lvm run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait "$receiver"
	expect_contains "$(lvm state "$ID" | jq .pid)" "$(cat "$T/pid")"
	lvm delete --force "$ID"
}

unknown_calls_are_refused_when_asked_for() {
	local profile='.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["no_such_call"], "action": "SCMP_ACT_ERRNO"}]}'
	noted unknown 'echo fine' '{}' "$profile"
	expect_output fine lvm run -b "$BUNDLE" "$(new_id)"
	edit_config '.annotations["run.oci.seccomp_fail_unknown_syscall"] = "1"'
	# Not from the cache either.
	expect_error 'does not know the system call no_such_call' lvm run -b "$BUNDLE" "$(new_id)"
}

what_would_confine_less_is_refused() {
	local key
	for key in run.oci.seccomp_bpf_data run.oci.handler run.oci.seccomp.plugins; do
		noted "refused-$key" true "{\"$key\": \"x\"}"
		expect_error "annotations[\"$key\"]: " lvm create -b "$BUNDLE" "$ID"
		expect_exit 1 lvm validate "$BUNDLE"
	done
	nothing_left
}

validate_notes_the_ignored_ones() {
	noted ignored true '{"run.oci.systemd.subgroup": "", "run.oci.nothing": "1", "krun.cpus": "2", "other": "x"}'
	lvm validate --format json "$BUNDLE" >"$T/json"
	expect_equal 3 "$(jq '.findings | map(select(.level == "note")) | length' "$T/json")"
	expect_exit 0 lvm run -b "$BUNDLE" "$ID"
}

features_tells_them() {
	"$RUNTIME" features >"$T/features"
	jq -e '.potentiallyUnsafeConfigAnnotations | index("run.oci.hooks.stdout") and index("run.oci.pidfd_receiver")' "$T/features"
	jq -e '.annotations["run.lvm.annotations"] | split(",") | index("run.oci.mount_context_type")' "$T/features"
	# What is told is what the document for people has.
	jq -r '.annotations | .["run.lvm.annotations"] + "," + .["run.lvm.annotations.refused"]' "$T/features" | tr , '\n' |
		while read -r key; do grep -qF "\`$key" "$TOP/docs/annotations.md" || { echo "not documented: $key"; return 1; }; done
}

check "the caller's groups are kept when asked for, and else not" groups_are_kept_when_asked_for
check 'they are kept in a user namespace too' groups_are_kept_in_a_user_namespace
check 'what hooks of the host write goes to files' hooks_write_to_files
check 'a receiver gets the pidfd' a_receiver_gets_the_pidfd
check 'unknown system calls are refused when asked for' unknown_calls_are_refused_when_asked_for
check 'what would confine less if it were ignored is refused' what_would_confine_less_is_refused
check 'validate notes the ignored ones' validate_notes_the_ignored_ones
check 'features tells them, and the document has them' features_tells_them
finish
