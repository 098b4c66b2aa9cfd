#!/bin/bash
# containerd and its shim drive the runtime.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

image=docker.io/library/lvm-vm:latest
# ctr ends with the exit code of what it ran.
run=(ctr run --runc-binary "$RUNTIME")

# shellcheck source=../containerd-image.sh
. "$(dirname "$0")/../containerd-image.sh"

status_of() { ctr task ls | awk -v id="$1" '$1 == id { print $3 }'; }
# ctr only warns about the exit code of a task.
ended_with() { expect_contains "exit code $1" "$(ctr task delete "$2" 2>&1)"; }
task_is() { [ "$(status_of "$1")" = "$2" ]; }

must systemctl start containerd
ending() {
	local id
	for id in $(ctr container ls -q); do
		ctr task kill -s 9 "$id"
		ctr task delete --force "$id"
		ctr container delete "$id"
	done
	systemctl stop containerd
} >/dev/null 2>&1
trap 'ending; lib_cleanup' EXIT
must make_image "$ROOTFS"

foreground() {
	expect_output 'hello from within' "${run[@]}" --rm "$image" fg echo 'hello from within'
	expect_exit 7 "${run[@]}" --rm "$image" fg sh -c 'exit 7'
	expect_equal '' "$(ctr task ls -q)"
}

detached() {
	"${run[@]}" -d "$image" d1 sleep 1000
	task_is d1 RUNNING
	# It was this runtime that the shim called: it knows the container.
	expect_contains d1 "$("$RUNTIME" --root /run/containerd/runc/default list -q)"
}

exec_in_it() {
	expect_output inside ctr task exec --exec-id e1 d1 echo inside
	expect_exit 5 ctr task exec --exec-id e2 d1 sh -c 'exit 5'
	expect_equal /tmp "$(ctr task exec --exec-id e3 --cwd /tmp d1 pwd)"
	expect_equal 1000 "$(ctr task exec --exec-id e4 --user 1000 d1 id -u)"
	expect_error 'no-such-program' ctr task exec --exec-id e5 d1 no-such-program
}

metrics() {
	expect_match 'memory.usage|memory\.' "$(ctr task metrics d1)"
	expect_match '^PID' "$(ctr task ps d1)"
}

paused() {
	ctr task pause d1
	task_is d1 PAUSED
	ctr task resume d1
	task_is d1 RUNNING
}

killed() {
	ctr task kill -s SIGKILL d1
	wait_for 20 task_is d1 STOPPED
	ended_with 137 d1
	ctr container delete d1
	expect_equal '' "$(ctr task ls -q)"
	expect_equal '' "$("$RUNTIME" --root /run/containerd/runc/default list -q)"
}

is_ready() { ctr task exec --exec-id "ready-$RANDOM" "$1" test -e /ready; }

stopped_by_signal() {
	# shellcheck disable=SC2016 # the container's shell
	"${run[@]}" -d "$image" d2 sh -c 'trap "exit 3" TERM; : >/ready; while :; do sleep 0.2; done'
	wait_for 60 is_ready d2
	ctr task kill d2
	wait_for 20 task_is d2 STOPPED
	ended_with 3 d2
	expect_error 'not found' ctr task kill d2
	ctr container delete d2
}

absent_program() {
	expect_error 'no-such-program' "${run[@]}" "$image" d3 no-such-program
	ctr container delete d3 >/dev/null 2>&1 || true
	expect_equal '' "$("$RUNTIME" --root /run/containerd/runc/default list -q)"
}

terminal() {
	# script gives ctr the terminal that it wants to be on.
	script -qec "ctr run --rm -t --runc-binary $RUNTIME $image t1 sh -c 'tty; stty -a | head -n 1'" /dev/null >"$T/tty" 2>&1
	expect_contains /dev/pts/0 "$(cat "$T/tty")"
}

limited() {
	"${run[@]}" -d --memory-limit 33554432 --cpu-quota 30000 --cpu-period 100000 "$image" d4 sleep 1000
	local pid cg
	pid=$(ctr task ls | awk '$1 == "d4" { print $2 }')
	cg=$(sed -n 's|^0::|/sys/fs/cgroup|p' "/proc/$pid/cgroup")
	expect_file "$cg/memory.max" 33554432
	expect_file "$cg/cpu.max" '30000 100000'
	expect_equal /default/d4 "${cg#/sys/fs/cgroup}"
	ctr task kill -s 9 d4
	wait_for 20 task_is d4 STOPPED
	ended_with 137 d4
	ctr container delete d4
	[ ! -e "$cg" ]
}

read_only_and_user() {
	expect_error 'Read-only file system' "${run[@]}" --rm --read-only "$image" r1 touch /x
	# shellcheck disable=SC2016 # the container's shell
	expect_output 1000:50 "${run[@]}" --rm --user 1000:50 "$image" r2 sh -c 'echo $(id -u):$(id -g)'
	expect_contains 'Seccomp:	2' "$("${run[@]}" --rm --seccomp "$image" r3 cat /proc/self/status)"
}

host_network() {
	expect_equal "$(readlink /proc/self/ns/net)" "$("${run[@]}" --rm --net-host "$image" n1 readlink /proc/self/ns/net)"
}

check 'ctr run shows the output and ends with the exit code' foreground
check 'ctr run -d leaves a running task' detached
check 'ctr task exec: output, exit codes, directory, user, absent program' exec_in_it
check 'ctr task metrics and ps' metrics
check 'ctr task pause and resume' paused
check 'ctr task kill, delete; nothing is left' killed
check 'a task ends by its own handler of SIGTERM' stopped_by_signal
check 'an absent program is an error that names it' absent_program
check 'ctr run -t has a terminal' terminal
check 'ctr run with limits' limited
check 'ctr run read-only, as a user, with a seccomp filter' read_only_and_user
check 'ctr run on the network of the host' host_network
finish
