#!/usr/bin/env bash
# Ids of containers without root: ranges, and what happens without them.
# not for the test machine: it has tests/vm/cases/rootless.sh, which also tries what other hosts lack
# shellcheck disable=SC2016,SC2034 # shells in the container expand these; user.sh reads what is set
. "$(dirname "$0")/../support/user-bundle.sh"

a_range_is_mapped() {
	config '.process.args = ["sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -G"]' \
		".linux.uidMappings = [{containerID: 0, hostID: $USER_ID, size: 1}, {containerID: 1, hostID: $RANGE, size: 1000}]" \
		".linux.gidMappings = [{containerID: 0, hostID: $USER_GID, size: 1}, {containerID: 1, hostID: $RANGE, size: 2000}]" \
		'.process.user = {uid: 33, gid: 34, additionalGids: [50]}'
	expect_equal "0 $USER_ID 1 1 $RANGE 1000 0 $USER_GID 1 1 $RANGE 2000 33 34 50" "$(run_quiet | xargs)"
}

kept_ids() {
	# The user's number means the user inside too; 0 is somebody of the range.
	config '.process.args = ["sh", "-c", "id -u; stat -c %u:%g /bin/busybox; touch /tmp/kept; ls -ln /tmp/kept | cut -d\" \" -f3-12"]' \
		".linux.uidMappings = [{containerID: 0, hostID: $RANGE, size: $USER_ID},
			{containerID: $USER_ID, hostID: $USER_ID, size: 1}, {containerID: $((USER_ID + 1)), hostID: $((RANGE + USER_ID)), size: 1000}]" \
		".linux.gidMappings = [{containerID: 0, hostID: $RANGE, size: $USER_GID},
			{containerID: $USER_GID, hostID: $USER_GID, size: 1}, {containerID: $((USER_GID + 1)), hostID: $((RANGE + USER_GID)), size: 1000}]" \
		".process.user = {uid: $USER_ID, gid: $USER_GID}" '.root.readonly = false'
	expect_equal "$USER_ID $USER_ID:$USER_GID" "$(run_quiet | xargs | cut -d' ' -f1-2)"
	expect_equal "$USER_ID:$USER_GID" "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/kept")"
}

one_kept_id() {
	# Nobody is 0 here.
	config '.process.args = ["sh", "-c", "id -u; id -g; cat /proc/self/uid_map; touch /dev/shm/x; stat -c %u /dev/shm/x"]' \
		".linux.uidMappings = [{containerID: $USER_ID, hostID: $USER_ID, size: 1}]" \
		".linux.gidMappings = [{containerID: $USER_GID, hostID: $USER_GID, size: 1}]" \
		".process.user = {uid: $USER_ID, gid: $USER_GID}"
	expect_equal "$USER_ID $USER_GID $USER_ID $USER_ID 1 $USER_ID" "$(run_quiet 2>"$T/err" | xargs)"
	expect_equal '' "$(cat "$T/err")"
	start_one ".linux.uidMappings = [{containerID: $USER_ID, hostID: $USER_ID, size: 1}]" \
		".linux.gidMappings = [{containerID: $USER_GID, hostID: $USER_GID, size: 1}]" \
		".process.user = {uid: $USER_ID, gid: $USER_GID}"
	expect_output "$USER_ID" ulvm exec "$ID" id -u
	ulvm delete --force "$ID"
}

a_namespace_is_added() {
	BASE=plain.json sh_config 'cat /proc/self/uid_map; id -u'
	expect_equal "0 $USER_ID 1 1 $RANGE $RANGE_SIZE 0" "$(run_quiet 2>"$T/err" | xargs)"
	expect_equal '' "$(cat "$T/err")"
	BASE=plain.json sh_config 'id -u; id -g; id -G; touch /dev/shm/x; stat -c %u /dev/shm/x' \
		'.process.user = {uid: 1000, gid: 1001, additionalGids: [7]}'
	expect_equal '1000 1001 1001 7 1000' "$(run_quiet | xargs)"
	BASE=plain.json start_one '.process.terminal = false | .process.args = ["sleep", "1000"]'
	expect_equal "$(readlink "/proc/$PID/ns/user")" "$(ulvm exec "$ID" readlink /proc/self/ns/user)"
	expect_output 12 ulvm exec -u 12 "$ID" id -u
	ulvm delete --force "$ID"
}

# The name, the number, several lines, and lines of others.
ranges_are_those_of_the_user() {
	BASE=plain.json sh_config 'cat /proc/self/uid_map'
	ranges $'other:1:1000\n'"$USER_ID:800000:10"$'\ntester:900000:20\ntester:broken\ntesterx:5:5'
	expect_equal "0 $USER_ID 1 1 800000 10 11 900000 20" "$(run_quiet | xargs)"
}

# A user of a directory service: not in /etc/passwd, known to the C library alone. A helper of the test's
# own stands in, since no such service runs here; the true one knows root.
names_come_from_the_helper() {
	local passwd
	expect_equal 'ok name=root' "$(printf 'user-name\nuid=0\n' | "${RUNTIME%/*}/lvm-run-helper" | xargs)"
	expect_exit 1 "${RUNTIME%/*}/lvm-run-helper" <<<$'user-name\nuid=4000000000' >"$T/answer"
	expect_contains 'error 2 ' "$(cat "$T/answer")"
	expect_exit 1 "${RUNTIME%/*}/lvm-run-helper" <<<user-name >"$T/answer"
	expect_contains 'error 22 ' "$(cat "$T/answer")"
	printf '#!/bin/sh\ncat >"%s"\necho ok\necho name=ldap.user\n' "$USER_HOME/asked" >"$T/helper"
	chmod 755 "$T/helper"
	: >"$USER_HOME/asked" && chmod 666 "$USER_HOME/asked"
	passwd=$(cat /etc/passwd)
	ranges $'other:1:1000\nldap.user:800000:10'
	grep -v '^tester:' <<<"$passwd" >/etc/passwd
	# newuidmap does not know the name either, and refuses: what was tried is in the warning.
	BASE=plain.json sh_config 'cat /proc/self/uid_map'
	as_user env LVM_RUN_HELPER="$T/helper" "$USER_RUNTIME" --cgroup-manager disabled run -b "$BUNDLE" -f "$CONFIG" "$(new_id)" >"$T/out" 2>"$T/err"
	as_user env LVM_RUN_HELPER="$T/helper" "$USER_RUNTIME" doctor >"$T/doctor"
	printf '%s\n' "$passwd" >/etc/passwd
	expect_equal "user-name uid=$USER_ID" "$(xargs <"$USER_HOME/asked")"
	expect_contains '800000:10' "$(cat "$T/doctor")"
	expect_contains newgidmap "$(cat "$T/err")"
	expect_equal "0 $USER_ID 1" "$(xargs <"$T/out")"
}

without_a_range_there_is_one_id() {
	ranges 'other:100000:65536'
	BASE=plain.json sh_config 'cat /proc/self/uid_map; cat /proc/self/setgroups; id -u'
	expect_equal "0 $USER_ID 1 deny 0" "$(run_quiet 2>"$T/err" | xargs)"
	expect_contains "/etc/subuid has no range of ids for user $USER_ID (tester)" "$(cat "$T/err")"
	expect_contains 'single user id' "$(cat "$T/err")"
	# It is that of the program, whatever number it wants to have.
	BASE=plain.json sh_config 'cat /proc/self/uid_map; id -u' '.process.user = {uid: 1000, gid: 1000}'
	expect_equal "1000 $USER_ID 1 1000" "$(run_quiet 2>/dev/null | xargs)"
	BASE=plain.json sh_config true '.process.user.additionalGids = [7]'
	expect_error 'additionalGids' run_quiet
	none_left
}

a_refused_range_leaves_one_id() {
	ranges ''
	sh_config 'cat /proc/self/uid_map /proc/self/gid_map' \
		".linux.uidMappings = [{containerID: 0, hostID: $USER_ID, size: 1}, {containerID: 1, hostID: $RANGE, size: 1000}]" \
		".linux.gidMappings = [{containerID: 5, hostID: $USER_GID, size: 1}, {containerID: 6, hostID: $RANGE, size: 1000}]" \
		'.process.user.gid = 5'
	expect_equal "0 $USER_ID 1 5 $USER_GID 1" "$(run_quiet 2>"$T/err" | xargs)"
	expect_contains 'newuidmap failed' "$(cat "$T/err")"
	expect_contains 'the container has a single uid, 0' "$(cat "$T/err")"
	expect_contains 'the container has a single gid, 5' "$(cat "$T/err")"
	# Without a place for the user's own id there is nothing to fall back to.
	sh_config true ".linux.uidMappings = [{containerID: 0, hostID: $RANGE, size: 1000}]"
	expect_error newuidmap run_quiet
	none_left
}

without_newuidmap_there_is_one_id() {
	local name
	mkdir "$T/path"
	for name in setpriv env sh; do ln -s "$(command -v $name)" "$T/path/"; done
	BASE=plain.json sh_config 'cat /proc/self/uid_map'
	USER_PATH=$T/path
	expect_equal "0 $USER_ID 1" "$(run_quiet 2>"$T/err" | xargs)"
	expect_contains 'newuidmap is not installed' "$(cat "$T/err")"
	expect_contains 'uidmap' "$(cat "$T/err")"
	expect_contains 'single uid, 0' "$(cat "$T/err")"
	ulvm doctor >"$T/doctor"
	expect_contains 'missing newuidmap' "$(tr -s ' ' <"$T/doctor")"
}

# Both tools are fakes: that of the machine would want a plug-in for the source.
ranges_of_another_source_are_asked_for() {
	local name
	ranges ''
	mkdir "$T/tools"
	for name in setpriv env sh; do ln -s "$(command -v $name)" "$T/tools/"; done
	printf '#!/bin/sh\n[ "$1" = -g ] && shift && echo "0: $1 800000 70000" && exit\necho "0: $1 900000 60000"\n' >"$T/tools/getsubids"
	for name in newuidmap newgidmap; do
		printf '#!/bin/sh\nshift\necho "${0##*/} $*" >>%s/asked\nexit 1\n' "$T/tools" >"$T/tools/$name"
	done
	chmod 755 "$T/tools"/*map* "$T/tools/getsubids"
	chmod 777 "$T/tools"
	BASE=plain.json sh_config 'cat /proc/self/uid_map'
	USER_PATH=$T/tools
	# Without a source the files say all.
	run_quiet 2>"$T/err" >/dev/null
	[ ! -e "$T/tools/asked" ]
	expect_contains 'no range of ids' "$(cat "$T/err")"
	private_file /etc/nsswitch.conf $'subid: fake\n'
	run_quiet 2>"$T/err" >/dev/null
	expect_equal "newuidmap 0 $USER_ID 1 1 900000 60000" "$(grep uid "$T/tools/asked")"
	umount /etc/nsswitch.conf
}

ids_of_others_are_refused() {
	sh_config true '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}]'
	expect_error uid run_quiet
	sh_config true '.linux.uidMappings = [{containerID: 0, hostID: 65534, size: 1}]'
	expect_error uid run_quiet
	none_left
}

check 'a range of ids is mapped through newuidmap and newgidmap' a_range_is_mapped
check 'the own id is kept, in a range' kept_ids
check 'the own id is kept, alone' one_kept_id
check 'a configuration without a user namespace gets one' a_namespace_is_added
check 'ranges of the name and of the number count, those of others do not' ranges_are_those_of_the_user
check 'a user who is not in /etc/passwd is asked of the helper' names_come_from_the_helper
ranges "tester:$RANGE:$RANGE_SIZE"
check 'without a range there is a single id, and it is said' without_a_range_there_is_one_id
check 'a refused range leaves a single id, and it is said' a_refused_range_leaves_one_id
ranges "tester:$RANGE:$RANGE_SIZE"
check 'without newuidmap there is a single id, and it is said' without_newuidmap_there_is_one_id
check 'ranges of another source than the files are asked for' ranges_of_another_source_are_asked_for
ranges "tester:$RANGE:$RANGE_SIZE"
check 'ids of others are refused' ids_of_others_are_refused
finish
