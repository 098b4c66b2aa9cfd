#!/bin/bash
# Checkpoint and restore as containerd's shim calls them.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../containerd-image.sh
. "$(dirname "$0")/../containerd-image.sh"

image=docker.io/library/lvm-vm-count:latest
run=(ctr run --runc-binary "$RUNTIME")
mkdir "$T/tree"
cp -a "$ROOTFS/." "$T/tree/"
cp "$TESTKIT" "$T/tree/bin/testkit"

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
must make_image "$T/tree"

status_of() { ctr task ls | awk -v id="$1" '$1 == id { print $3 }'; }
task_is() { [ "$(status_of "$1")" = "$2" ]; }
pid_of_task() { ctr task ls | awk -v id="$1" '$1 == id { print $2 }'; }

a_task_is_checkpointed_and_restored() {
	"${run[@]}" -d "$image" one testkit pause </dev/null >/dev/null 2>&1
	wait_for 20 task_is one RUNNING
	ctr container checkpoint --task --image one saved
	wait_for 20 task_is one RUNNING
	ctr task kill -s 9 one
	wait_for 20 task_is one STOPPED
	ctr task delete one
	ctr container delete one
	ctr container restore --live two saved </dev/null >/dev/null 2>&1
	wait_for 20 task_is two RUNNING
	expect_contains testkit "$(cat "/proc/$(pid_of_task two)/comm")"
	ctr task exec --exec-id e two echo inside >"$T/exec"
	expect_equal inside "$(cat "$T/exec")"
}

a_checkpoint_may_end_the_task() {
	"${run[@]}" -d "$image" three testkit pause </dev/null >/dev/null 2>&1
	wait_for 20 task_is three RUNNING
	ctr task checkpoint --exit --image-path "$T/three" three
	wait_for 20 task_is three STOPPED
	[ -s "$T/three/lvm-run.json" ]
}

check 'ctr container checkpoint --task, and restore --live under another name' a_task_is_checkpointed_and_restored
check 'ctr task checkpoint --exit ends the task' a_checkpoint_may_end_the_task
finish
