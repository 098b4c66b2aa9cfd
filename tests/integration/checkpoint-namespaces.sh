#!/usr/bin/env bash
# checkpoint and restore of containers with namespaces and mounts of every kind.
# not for the test machine: nothing of it is missing on another machine
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

MAPPED='.linux.namespaces += [{type: "user"}]
	| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'

pid_of() { lvm state "$1" | jq .pid; }

program() { # NAME PROGRAM FILTER…: a bundle whose program is testkit's
	local name=$1 words=$2
	shift 2
	new_bundle "$name" ".process.args = [\"/bin/testkit\", $words]" "$@"
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
}
# The root belongs to the container's root.
own() { chown -R 100000:100000 "$BUNDLE/rootfs"; }
run() { lvm run -d -b "$BUNDLE" "$1" </dev/null >"$T/$1.1" 2>&1 || { cat "$T/$1.1"; return 1; }; }
save() { lvm checkpoint --image-path "$T/$1.img" "$@"; }
load() { # ID IMAGES-OF OPTION…
	local id=$1 images=$T/$2.img
	shift 2
	lvm restore -d -b "$BUNDLE" --image-path "$images" "$@" "$id" </dev/null >"$T/$id.2" 2>&1 || { cat "$T/$id.2"; return 1; }
}

# --- Tests ----------------------------------------------------------------------------------------

a_user_namespace_comes_back() {
	local id pid before
	id=$(new_id)
	program mapped '"busy"' "$MAPPED" '.root.readonly = false'
	own
	run "$id"
	wait_for 60 has_lines "$T/$id.1" 10 || { cat "$T/$id.1"; return 1; }
	before=$(readlink "/proc/$(pid_of "$id")/ns/user")
	lvm checkpoint --tcp-established --network-lock skip --image-path "$T/$id.img" "$id"
	load "$id" "$id" --tcp-established --network-lock skip
	wait_for 60 has_lines "$T/$id.2" 20
	all_is_ok "$T/$id.1"
	all_is_ok "$T/$id.2"
	pid=$(pid_of "$id")
	expect_equal "0 100000 65536" "$(xargs <"/proc/$pid/uid_map")"
	expect_equal 100000 "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")"
	[ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	[ -n "$before" ]
	expect_contains 'LOOPBACK,UP' "$(lvm exec "$id" busybox ip link show lo)"
	# Its network is its own: it may change it.
	lvm exec --cap CAP_NET_ADMIN "$id" busybox ip link set lo mtu 1400
	expect_equal 0::/ "$(lvm exec "$id" busybox grep ^0:: /proc/self/cgroup)"
	lvm delete --force "$id"
	nothing_left
}

other_maps_are_refused() {
	local id
	id=$(new_id)
	program maps '"pause"' "$MAPPED"
	run "$id"
	save "$id"
	edit_config '.linux.uidMappings[0].hostID = 200000'
	expect_error 'the images have another uid_map than config.json' \
		lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	edit_config '.linux.uidMappings[0].hostID = 100000 | .linux.gidMappings += [{containerID: 65536, hostID: 300000, size: 1}]'
	expect_error 'the images have another gid_map than config.json' \
		lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	edit_config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	expect_error 'config.json asks for something else' lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	nothing_left
}

lazy_pages_are_refused_by_name() {
	local id
	[ "$(cat /proc/sys/vm/unprivileged_userfaultfd)" = 0 ] || skip 'everybody may call userfaultfd(2) here'
	id=$(new_id)
	program lazy '"pause"' "$MAPPED"
	own
	run "$id"
	save "$id"
	expect_error '--lazy-pages: not in a user namespace of its own' \
		lvm restore -d --lazy-pages -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	nothing_left
	load "$id" "$id"
	lvm delete --force "$id"
	nothing_left
}

# What is mounted from places that only the host's root may enter.
sources_that_others_may_not_see() {
	local id
	id=$(new_id)
	program hidden '"pause"' "$MAPPED"
	own
	mkdir -p "$T/hidden.d/in"
	echo inside >"$T/hidden.d/in/file"
	chmod 700 "$T/hidden.d"
	# shellcheck disable=SC2016 # a variable of jq
	edit_config --arg dir "$T/hidden.d/in" '.mounts += [{destination: "/data", source: $dir, options: ["bind"]},
		{destination: "/etc/one", source: ($dir + "/file"), options: ["bind", "ro"]}]'
	run "$id"
	expect_equal inside "$(lvm exec "$id" busybox cat /data/file)"
	save "$id"
	load "$id" "$id"
	expect_equal inside "$(lvm exec "$id" busybox cat /data/file)"
	expect_equal inside "$(lvm exec "$id" busybox cat /etc/one)"
	lvm delete --force "$id"
	nothing_left
}

idmapped_mounts_keep_their_maps() { # FILTER…
	local id
	id=$(new_id)
	mkdir -p "$T/mapped.d"
	echo one >"$T/mapped.d/file"
	chown 1000:1000 "$T/mapped.d/file"
	rm -rf "$T/idmap"
	program idmap '"pause"' "$@"
	own
	# shellcheck disable=SC2016 # a variable of jq
	edit_config --arg dir "$T/mapped.d" '.mounts |= map(if .destination == "/data" then .source = $dir else . end)'
	run "$id"
	lvm exec "$id" busybox stat -c %u:%g /data/file >"$T/owner"
	save "$id"
	load "$id" "$id"
	expect_equal "$(cat "$T/owner")" "$(lvm exec "$id" busybox stat -c %u:%g /data/file)"
	[ "$(cat "$T/owner")" = "$EXPECTED" ]
	lvm delete --force "$id"
	nothing_left
}
maps_of_a_mount() {
	EXPECTED=2000:2000 idmapped_mounts_keep_their_maps '.mounts += [{destination: "/data", options: ["bind", "idmap"],
		uidMappings: [{containerID: 1000, hostID: 2000, size: 1}], gidMappings: [{containerID: 1000, hostID: 2000, size: 1}]}]'
}
maps_of_the_container() {
	EXPECTED=1000:1000 idmapped_mounts_keep_their_maps "$MAPPED" '.mounts += [{destination: "/data", options: ["bind", "idmap"]}]'
}

clock_of() { lvm exec "$1" /bin/testkit clock "$2"; }
a_time_namespace_goes_on() {
	local id before after pid
	[ -e /proc/self/ns/time ] || skip 'no time namespaces here'
	id=$(new_id)
	program clock '"pause"' '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}}'
	run "$id"
	before=$(lvm exec "$id" busybox cut -d. -f1 /proc/uptime)
	save "$id"
	load "$id" "$id"
	after=$(lvm exec "$id" busybox cut -d. -f1 /proc/uptime)
	[ "$before" -ge 1000000 ]
	[ "$after" -ge "$before" ] && [ "$after" -le $((before + 600)) ]
	pid=$(pid_of "$id")
	[ "$(readlink "/proc/$pid/ns/time")" != "$(readlink /proc/self/ns/time)" ]
	lvm delete --force "$id"
	nothing_left
}

a_cgroup_namespace_has_its_root() { # FILTER ROOT-SEEN
	local id copy filter=$1
	id=$(new_id) copy=$(new_id)
	rm -rf "$T/group"
	program group '"pause"' "$filter"
	run "$id"
	lvm checkpoint -R --image-path "$T/$id.img" "$id"
	load "$copy" "$id"
	if [ "$2" = / ]; then
		expect_equal 0::/ "$(lvm exec "$copy" busybox grep ^0:: /proc/1/cgroup)"
	else
		expect_contains "lvm-run-$copy" "$(lvm exec "$copy" busybox grep ^0:: /proc/1/cgroup)"
	fi
	expect_equal 1 "$(lvm exec "$copy" busybox grep -c '^1$' /sys/fs/cgroup/cgroup.procs)"
	expect_contains "$(pid_of "$copy")" "$(cat "/sys/fs/cgroup/unified/lvm-run-$copy/cgroup.procs" 2>/dev/null ||
		cat "/sys/fs/cgroup/lvm-run-$copy/cgroup.procs")"
	lvm delete --force "$id"
	lvm delete --force "$copy"
	nothing_left
}

# A file of a directory of the host: what covers it is not part of that directory.
masked_files_of_a_bound_directory() { # FILTER…
	local id
	id=$(new_id)
	rm -rf "$T/bound.d" "$T/bound"
	mkdir -m 755 "$T/bound.d"
	echo secret >"$T/bound.d/key"
	echo open >"$T/bound.d/file"
	program bound '"pause"' "$@" '.linux.maskedPaths += ["/data/key"]'
	own
	# shellcheck disable=SC2016 # a variable of jq
	edit_config --arg dir "$T/bound.d" '.mounts += [{destination: "/data", source: $dir, options: ["bind"]}]'
	run "$id"
	expect_output open lvm exec "$id" busybox cat /data/key /data/file
	save "$id"
	load "$id" "$id"
	expect_output open lvm exec "$id" busybox cat /data/key /data/file
	lvm delete --force "$id"
	nothing_left
}

masked_paths_with_mounts_on_them() {
	local id path
	id=$(new_id)
	program masked '"pause"' '.linux.maskedPaths += ["/etc", "/bin/busybox", "/dev/shm", "/data"]' \
		'.linux.readonlyPaths += ["/usr", "/dev/mqueue"]' \
		'.mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs"}]'
	run "$id"
	awk '{print $5, $6}' "/proc/$(pid_of "$id")/mountinfo" | sort >"$T/masks"
	save "$id"
	load "$id" "$id"
	expect_equal "$(cat "$T/masks")" "$(awk '{print $5, $6}' "/proc/$(pid_of "$id")/mountinfo" | sort)"
	for path in etc dev/shm data; do
		expect_equal '' "$(ls -A "/proc/$(pid_of "$id")/root/$path")"
	done
	[ ! -s "/proc/$(pid_of "$id")/root/bin/busybox" ]
	lvm delete --force "$id"
	nothing_left
}

check 'a user namespace: one of everything goes on in it' a_user_namespace_comes_back
check 'images with other id maps than config.json are refused' other_maps_are_refused
check 'a user namespace: lazy pages are refused by name where they cannot be' lazy_pages_are_refused_by_name
check 'a user namespace: mounts from places that others may not enter' sources_that_others_may_not_see
check 'id-mapped mounts: the maps of a mount' maps_of_a_mount
check "id-mapped mounts: the container's maps" maps_of_the_container
check 'a time namespace goes on where it was' a_time_namespace_goes_on
check 'a cgroup namespace has the new group as its root' a_cgroup_namespace_has_its_root . /
check "without a cgroup namespace of its own it sees the host's names" a_cgroup_namespace_has_its_root \
	'.linux.namespaces |= map(select(.type != "cgroup"))' host
check 'masked paths on mounts, files and directories' masked_paths_with_mounts_on_them
check 'a masked file of a bound directory stays masked' masked_files_of_a_bound_directory .
check 'the same in a user namespace' masked_files_of_a_bound_directory "$MAPPED"
finish
