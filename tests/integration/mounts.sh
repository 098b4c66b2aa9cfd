#!/usr/bin/env bash
# mounts add and mounts remove on a container that lives.
. "$(dirname "$0")/../support/lib.sh"

[ "$(id -u)" -eq 0 ] || skip 'needs root (mounts of the host)'

# lives NAME [FILTER…]: a container that waits; sets BUNDLE and ID.
lives() {
	new_bundle "$1" '.root.readonly = false' '.process.args = ["sh", "-c", "trap exit TERM; while :; do sleep 1000 & wait; done"]' "${@:2}"
	ID=$(new_id)
	lvm run -d -b "$BUNDLE" "$ID" </dev/null >"$T/$1.out" 2>&1
}
mounts_json() { jq -n "$1" >"$T/mounts.json"; }
add() { lvm mounts add "$ID" "$T/mounts.json"; }
drop() { lvm mounts remove "$ID" "$T/mounts.json"; }
inside() { lvm exec "$ID" "$@"; }
# shellcheck disable=SC2016
options_of() { inside awk -v at="$1" '$5 == at {print $6}' /proc/self/mountinfo | tail -n 1; }
mounts_inside() { inside cat /proc/self/mountinfo | awk '{print $5, $6}'; }
ends() { lvm delete --force "$ID"; }

a_directory_of_the_host_appears_and_goes() {
	lives bind
	mkdir "$T/share" && echo hello >"$T/share/file"
	mounts_json '[{"destination": "/mnt/a", "source": "'"$T"'/share", "type": "bind", "options": ["rbind", "ro", "nosuid"]},
		{"destination": "/run/one", "source": "'"$T"'/share/file", "options": ["bind"]}]'
	add
	expect_output hello inside cat /mnt/a/file
	expect_output hello inside cat /run/one
	expect_contains ro,nosuid "$(options_of /mnt/a)"
	expect_exit 1 inside touch /mnt/a/x
	jq -e '.mounts[-1].destination == "/run/one"' "$ROOT/$ID/config.json"
	drop
	expect_equal '' "$(inside ls /mnt/a)"
	expect_equal '' "$(inside cat /run/one)"
	jq -e '[.mounts[].destination] | index("/run/one") == null' "$ROOT/$ID/config.json"
	ends
}

new_file_systems_are_the_containers_own() {
	lives fresh
	mounts_json '[{"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=700", "noexec"]},
		{"destination": "/p", "type": "proc", "source": "proc"}, {"destination": "/s", "type": "sysfs", "options": ["ro"]}]'
	add
	expect_output 700 inside stat -c %a /scratch
	expect_contains noexec "$(options_of /scratch)"
	inside sh -c '! head -c 100000 /dev/zero >/scratch/x'
	expect_equal "$(inside ls /sys/class/net)" "$(inside ls /s/class/net)"
	# Its process ids are those of the container.
	inside grep -q '^1 (sh)' /p/1/stat
	drop
	ends
}

all_or_nothing() {
	local before
	lives atomic
	mkdir -p "$T/good"
	before=$(mounts_inside)
	mounts_json '[{"destination": "/a", "source": "'"$T"'/good", "options": ["bind"]}, {"destination": "/b", "type": "tmpfs"},
		{"destination": "/c", "type": "tmpfs", "options": ["size=wrong"]}]'
	expect_error 'mount /c: ' add
	mounts_json '[{"destination": "/a", "source": "'"$T"'/good", "options": ["bind"]}, {"destination": "/b", "source": "/nowhere", "options": ["bind"]}]'
	expect_error 'mount /b: source /nowhere: No such file or directory' add
	expect_equal "$before" "$(mounts_inside)"
	cp "$ROOT/$ID/config.json" "$T/saved"
	mounts_json '[{"destination": "/a", "type": "tmpfs"}, {"destination": "/b", "type": "tmpfs"}]'
	add
	inside touch /b/kept
	inside sh -c 'sleep 100 >/a/busy & until [ -e /a/busy ]; do sleep 0.02; done'
	before=$(mounts_inside | sort)
	expect_error 'mount /a: is busy' drop
	expect_equal "$before" "$(mounts_inside | sort)"
	inside ls /b/kept
	expect_equal '["/a","/b"]' "$(jq -c '[.mounts[-2:][].destination]' "$ROOT/$ID/config.json")"
	ends
}

only_what_was_added_is_removed() {
	lives added
	mounts_json '[{"destination": "/proc"}]'
	expect_error 'mount /proc: was not added to the living container' drop
	mounts_json '[{"destination": "/dev/shm/../shm"}]'
	expect_error 'was not added' drop
	mounts_json '[{"destination": "/x", "type": "tmpfs"}]'
	add && add
	drop
	inside grep ' /x ' /proc/self/mountinfo
	drop
	expect_error 'was not added' drop
	ends
}

destinations_stay_inside() {
	lives escape '.root.readonly = false'
	mkdir -p "$T/outside"
	ln -s "$T/outside" "$BUNDLE/rootfs/link"
	ln -s ../../../../../../../../etc "$BUNDLE/rootfs/up"
	mounts_json '[{"destination": "/link/deep", "type": "tmpfs"}, {"destination": "/up/deep", "type": "tmpfs"}]'
	add
	[ ! -e "$T/outside/deep" ]
	[ ! -e /etc/deep ]
	inside grep " $T/outside/deep " /proc/self/mountinfo
	inside grep ' /etc/deep ' /proc/self/mountinfo
	drop
	mounts_json '[{"destination": "/proc/sys", "type": "tmpfs"}]'
	expect_error 'no mount is allowed there, inside /proc' add
	mounts_json '[{"destination": "/proc", "type": "bind", "source": "/tmp"}]'
	expect_error 'only a procfs can be mounted there' add
	mounts_json '[{"destination": "/", "type": "tmpfs"}]'
	expect_error 'the root itself' add
	ends
}

# The container moves the directory of an added mount away and puts a link to one of create's in its place.
a_link_leads_to_no_mount_of_create() {
	local before at
	lives links
	inside mkdir -p /vol/x
	mounts_json '[{"destination": "/vol/x", "type": "tmpfs"}]'
	add
	inside sh -c 'mv /vol /old && mkdir /vol'
	before=$(mounts_inside)
	for at in /proc/sys /proc/keys /dev/shm /proc; do
		inside ln -s "$at" /vol/x
		expect_error "mount /vol/x: leads to $at, a mount that the container was created with" drop
		expect_equal "$before" "$(mounts_inside)"
		inside rm /vol/x
	done
	inside sh -c 'rmdir /vol && mv /old /vol'
	drop
	expect_equal '' "$(options_of /vol/x)"
	ends
}

# Where no procfs is made the container sees no process of ours, not even by the gap in the numbers.
the_container_sees_no_process() {
	local before
	lives unseen
	mkdir "$T/unseen.d"
	# Its child has the number after its own.
	has_its_child() { [ "$(lvm ps -f json "$ID" | jq length)" -eq 2 ]; }
	wait_for 5 has_its_child
	before=$(inside sh -c 'echo $$')
	mounts_json '[{"destination": "/a", "type": "tmpfs"}, {"destination": "/b", "source": "'"$T"'/unseen.d", "options": ["bind"]}]'
	add
	drop
	expect_output $((before + 1)) inside sh -c 'echo $$'
	ends
}

paused_and_created_containers_too() {
	lives states
	lvm pause "$ID"
	mounts_json '[{"destination": "/x", "type": "tmpfs"}]'
	add
	lvm resume "$ID"
	inside grep ' /x ' /proc/self/mountinfo
	ends
	edit_config '.process.args = ["grep", " /x ", "/proc/self/mountinfo"]'
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID" </dev/null >"$T/created" 2>&1
	add
	lvm start "$ID"
	wait_for 5 container_is "$ID" stopped
	grep ' /x ' "$T/created"
	expect_error 'cannot change mounts' add
	lvm delete "$ID"
}

# Whatever is killed in between: the container and what is kept of it are whole.
a_kill_leaves_it_whole() {
	local i
	lives killed
	mounts_json '[{"destination": "/x", "type": "tmpfs"}, {"destination": "/y", "type": "tmpfs"}]'
	for i in 0.002 0.004 0.006 0.008 0.010 0.015 0.020; do
		timeout -s KILL "$i" "$RUNTIME" --root "$ROOT" mounts add "$ID" "$T/mounts.json" || :
		jq -e '.mounts | length > 3' "$ROOT/$ID/config.json" >/dev/null
		inside true
	done
	add
	drop
	ends
	nothing_left
}

bad_input_changes_nothing() {
	lives bad
	expect_error 'standard input: mounts: expected an array, got an object' lvm mounts add "$ID" - <<<'{}'
	expect_error 'standard input: mounts[0].destination: is missing' lvm mounts add "$ID" - <<<'[{}]'
	expect_error 'remount: not possible' lvm mounts add "$ID" - <<<'[{"destination": "/tmp", "options": ["remount", "ro"]}]'
	expect_error "'attach' is neither add nor remove" lvm mounts attach "$ID" -
	expect_error 'container does not exist' lvm mounts add nobody - <<<'[]'
	lvm mounts add "$ID" - <<<'[]'
	ends
}

# lives_in_user_namespace NAME
lives_in_user_namespace() {
	lives "$1" '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
}

user_namespaces_work() {
	lives_in_user_namespace userns || skip 'no container with a user namespace can run here'
	mkdir "$T/owned" && touch "$T/owned/file" && chown -R 100001:100001 "$T/owned" && chmod 755 "$T/owned"
	mounts_json '[{"destination": "/tmp/o", "source": "'"$T"'/owned", "options": ["bind", "ro"]}, {"destination": "/tmp/t", "type": "tmpfs"}]'
	add
	expect_output 1 inside stat -c %u /tmp/o/file
	expect_output 0 inside stat -c %u /tmp/t
	drop
	ends
}

id_maps_work() {
	lives_in_user_namespace idmapped || skip 'no container with a user namespace can run here'
	mkdir "$T/plain" && touch "$T/plain/file"
	mounts_json '[{"destination": "/tmp/o", "source": "'"$T"'/plain", "options": ["bind", "idmap"]},
		{"destination": "/tmp/p", "source": "'"$T"'/plain", "options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 0, "hostID": 100007, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 1}]}]'
	if ! add 2>"$T/why"; then
		grep 'cannot be id-mapped' "$T/why" && skip 'the file system of the test cannot be id-mapped'
		cat "$T/why"
		return 1
	fi
	expect_output 0 inside stat -c %u /tmp/o/file
	expect_output 7 inside stat -c %u /tmp/p/file
	ends
}

recursive_options_reach_below() {
	lives recursive
	mkdir -p "$T/tree/sub"
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs none "$1/tree/sub" && exec "$2" --root "$3" mounts add "$4" "$5"' sh \
		"$T" "$RUNTIME" "$ROOT" "$ID" - <<<'[{"destination": "/tree", "source": "'"$T"'/tree", "options": ["rbind", "rro", "rnoexec"]}]'
	expect_contains ro "$(options_of /tree/sub)"
	expect_contains noexec "$(options_of /tree/sub)"
	expect_exit 1 inside touch /tree/sub/x
	mounts_json '[{"destination": "/tree"}]'
	drop
	expect_equal '' "$(options_of /tree/sub)$(options_of /tree)"
	ends
}

a_container_without_mount_namespace_is_refused() {
	new_bundle shared '.process.args = ["sleep", "1000"]' '.mounts = []' 'del(.linux.maskedPaths, .linux.readonlyPaths)' \
		'.linux.namespaces |= map(select(.type != "mount"))' '.root.readonly = false' '.process.noNewPrivileges = false'
	ID=$(new_id)
	lvm run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$T/why" || skip "no such container here: $(cat "$T/why")"
	expect_error 'no mount namespace of its own' lvm mounts add "$ID" - <<<'[{"destination": "/x", "type": "tmpfs"}]'
	ends
}

check 'a directory of the host appears and goes again' a_directory_of_the_host_appears_and_goes
check "new file systems are the container's own" new_file_systems_are_the_containers_own
check 'all mounts of a list are added or removed, or none' all_or_nothing
check 'only what was added is removed' only_what_was_added_is_removed
check 'destinations are looked up inside the root' destinations_stay_inside
check 'a link leads to no mount that create has made' a_link_leads_to_no_mount_of_create
check 'the container sees no process of the command' the_container_sees_no_process
check 'paused and created containers too' paused_and_created_containers_too
check 'a command that is killed leaves container and record whole' a_kill_leaves_it_whole
check 'bad input changes nothing' bad_input_changes_nothing
check 'containers in user namespaces work' user_namespaces_work
check 'id maps work, of the container and of the mount' id_maps_work
check 'recursive options reach the mounts below' recursive_options_reach_below
check 'a container that shares the mounts of the host is refused' a_container_without_mount_namespace_is_refused
finish
