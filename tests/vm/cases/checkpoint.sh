#!/bin/bash
# Checkpoint and restore as Podman and containerd call them, and what needs a kernel that tracks changed memory.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

image=localhost/lvm-vm:latest
export CONTAINERS_CONF=$T/containers.conf
cat >"$CONTAINERS_CONF" <<EOF
[engine]
runtime = "${RUNTIME##*/}"
runtime_supports_json = ["crun", "runc", "lvm-run"]
runtime_supports_nocgroup = ["crun", "lvm-run"]
[engine.runtimes]
${RUNTIME##*/} = ["$RUNTIME"]
[containers]
log_driver = "k8s-file"
netns = "none"
EOF

ending() { podman rm --all --force --time 0; } >/dev/null 2>&1
trap 'ending; lib_cleanup' EXIT
mkdir "$T/tree"
cp -a "$ROOTFS/." "$T/tree/"
cp "$TESTKIT" "$T/tree/bin/testkit"
tar -C "$T/tree" --owner=0 --group=0 -cf "$T/image.tar" .
must podman import "$T/image.tar" "$image"

inspect() { podman inspect -f "$2" "$1"; }
status_is() { [ "$(inspect "$1" '{{.State.Status}}')" = "$2" ]; }
last_number() { podman logs "$1" 2>/dev/null | tail -n 1; }
counts_on() { # NAME: what it counts grows
	local before
	before=$(last_number "$1")
	for _ in $(seq 50); do
		sleep 0.2
		[ "$(last_number "$1")" -le "${before:-0}" ] || return 0
	done
	echo "$1 counts no further than $before"
	return 1
}
start_counting() { # NAME OPTION…
	local name=$1
	shift
	podman run -d --name "$name" "$@" "$image" testkit count >/dev/null
	wait_for 20 counts_on "$name"
}

podman_checkpoints_and_restores_in_place() {
	local before
	start_counting c1
	podman container checkpoint c1
	status_is c1 exited
	before=$(last_number c1)
	podman container restore c1
	status_is c1 running
	counts_on c1
	[ "$(last_number c1)" -gt "$before" ]
	podman rm -f -t 0 c1
}

leave_running_and_keep() {
	start_counting c2
	podman container checkpoint --leave-running --keep c2
	status_is c2 running
	counts_on c2
	podman rm -f -t 0 c2
}

export_and_import_under_other_names() {
	local number
	start_counting c3
	podman container checkpoint --export "$T/c3.tar.gz" c3
	number=$(last_number c3)
	podman rm -f -t 0 c3
	podman container restore --import "$T/c3.tar.gz" -n c3a
	podman container restore --import "$T/c3.tar.gz" -n c3b
	counts_on c3a
	counts_on c3b
	[ "$(last_number c3a)" -gt "$number" ]
	podman rm -f -t 0 c3a c3b
}

pre_checkpoint_and_the_rest() {
	start_counting c4
	podman container checkpoint --pre-checkpoint --export "$T/pre.tar.gz" c4
	status_is c4 running
	counts_on c4
	podman container checkpoint --with-previous --export "$T/rest.tar.gz" c4
	podman rm -f -t 0 c4
	podman container restore --import "$T/rest.tar.gz" --import-previous "$T/pre.tar.gz"
	counts_on c4
	podman rm -f -t 0 c4
}

start_memory() { # NAME: 12 MiB that are checked again and again, and cannot be compressed
	podman run -d --name "$1" "$image" testkit memory 12 >/dev/null
	wait_for 60 says_good "$1" 1
}
says_good() { [ "$(podman logs "$1" 2>/dev/null | grep -c '^good$')" -ge "$2" ]; }
is_still_good() { # NAME
	wait_for 60 says_good "$1" $(($(podman logs "$1" 2>/dev/null | grep -c '^good$') + 3))
	expect_equal '' "$(podman logs "$1" 2>&1 | grep bad || :)"
}

# The second archive has what has changed, and is of no use without the first.
previous_memory_is_not_saved_again() {
	local pre rest
	start_memory c7
	podman container checkpoint --pre-checkpoint --export "$T/pre7.tar.gz" c7
	podman container checkpoint --with-previous --export "$T/rest7.tar.gz" c7
	pre=$(stat -c %s "$T/pre7.tar.gz") rest=$(stat -c %s "$T/rest7.tar.gz")
	echo "archives: $pre, then $rest bytes"
	[ "$pre" -ge 12000000 ]
	[ "$rest" -le 6000000 ]
	podman rm -f -t 0 c7
	if podman container restore --import "$T/rest7.tar.gz" -n c7x 2>"$T/error"; then return 1; fi
	expect_contains 'the images that these go on from' "$(cat "$T/error")"
	podman rm -f -t 0 c7x
	podman container restore --import "$T/rest7.tar.gz" --import-previous "$T/pre7.tar.gz" -n c7a
	is_still_good c7a
	podman rm -f -t 0 c7a
}

previous_memory_in_place() {
	start_memory c8
	podman container checkpoint --pre-checkpoint c8
	status_is c8 running
	podman container checkpoint --with-previous c8
	status_is c8 exited
	podman container restore c8
	is_still_good c8
	podman rm -f -t 0 c8
}

a_terminal_comes_back() {
	start_counting c5 -t
	podman container checkpoint c5
	podman container restore c5
	counts_on c5
	podman rm -f -t 0 c5
}

limits_are_there_again() {
	local pid group
	start_counting c6 --memory 64m --pids-limit 33
	podman container checkpoint c6
	podman container restore c6
	pid=$(inspect c6 '{{.State.Pid}}')
	group=$(sed -n 's|^0::|/sys/fs/cgroup|p' "/proc/$pid/cgroup")
	expect_equal 67108864 "$(cat "$group/memory.max")"
	expect_equal 33 "$(cat "$group/pids.max")"
	podman rm -f -t 0 c6
}

check 'podman container checkpoint, and restore in its place' podman_checkpoints_and_restores_in_place
check 'podman: --leave-running --keep' leave_running_and_keep
check 'podman: --export, and --import twice under other names' export_and_import_under_other_names
check 'podman: --pre-checkpoint, then --with-previous' pre_checkpoint_and_the_rest
check 'podman: --with-previous saves what has changed, and --import-previous brings the rest' previous_memory_is_not_saved_again
check 'podman: --pre-checkpoint, --with-previous and restore in place' previous_memory_in_place
check 'podman: a container with a terminal' a_terminal_comes_back
check 'podman: the limits of the control group are there again' limits_are_there_again
finish
