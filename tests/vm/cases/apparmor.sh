#!/bin/bash
# AppArmor: the profile of the configuration, of exec, and what happens to a missing one.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

cat >"$T/profile" <<'END'
profile lvm-run-test flags=(attach_disconnected, mediate_deleted) {
	file,
	capability,
	network,
	signal,
	unix,
	ptrace,
	mount,
	deny /tmp/denied w,
}
profile lvm-run-other flags=(attach_disconnected, mediate_deleted) {
	file,
	capability,
	signal,
	unix,
}
END
must apparmor_parser --replace --skip-cache "$T/profile"
shared_bundle
with_profile='.process.apparmorProfile = "lvm-run-test" | .mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]'
look='cat /proc/self/attr/current; echo x >/tmp/allowed && echo allowed; if echo x >/tmp/denied; then echo written; fi'

the_profile_holds() {
	config "$with_profile" ".process.args = [\"sh\", \"-c\", \"$look\"]"
	expect_equal 'lvm-run-test (enforce) allowed' "$(lvm run --bundle "$BUNDLE" "$(new_id)" 2>/dev/null | xargs)"
}

with_and_without_privileges() {
	config "$with_profile" '.process.noNewPrivileges = false' ".process.args = [\"sh\", \"-c\", \"$look\"]" '.process.user = {"uid": 1000, "gid": 1000}' \
		'.linux.namespaces += [{"type": "user"}]' '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
	expect_equal 'lvm-run-test (enforce) allowed' "$(lvm run --bundle "$BUNDLE" "$(new_id)" 2>/dev/null | xargs)"
}

exec_has_it_too() {
	local id
	id=$(new_id)
	config "$with_profile" "$idle"
	started "$id"
	expect_output 'lvm-run-test (enforce)' lvm exec "$id" cat /proc/self/attr/current
	expect_output 'lvm-run-other (enforce)' lvm exec --apparmor lvm-run-other "$id" cat /proc/self/attr/current
	lvm delete --force "$id"
}

an_unknown_one_is_named() {
	local id status=0
	id=$(new_id)
	config "$idle" '.process.apparmorProfile = "nobody-loaded-this"'
	lvm create --bundle "$BUNDLE" "$id" 2>"$T/error" || status=$?
	[ "$status" -eq 1 ] || { lvm start "$id" 2>"$T/error" && return 1; }
	cat "$T/error"
	grep -F nobody-loaded-this "$T/error"
	lvm delete --force "$id" 2>/dev/null || true
}

check 'the profile of the configuration holds' the_profile_holds
check 'it holds for users and in a user namespace too' with_and_without_privileges
check 'exec has it, or its own' exec_has_it_too
check 'a profile that is not loaded is named' an_unknown_one_is_named
finish
