#!/usr/bin/env bash
# kill -9 of checkpoint and restore at any time: the container runs on, or is whole on disk, and delete cleans up.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

new_bundle counter '.process.args = ["/bin/testkit", "count"]'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"

runs_on() { # FILE
	local lines
	lines=$(wc -l <"$1")
	wait_for 20 has_lines "$1" $((lines + 3))
}

# kill_after MILLISECONDS COMMAND…: false when it had ended before.
kill_after() {
	local pause=$1 job status=0
	shift
	setsid "$RUNTIME" --root "$ROOT" "$@" </dev/null >"$T/killed" 2>&1 &
	job=$!
	sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
	kill -KILL -- "${as_a_job:+-}$job" 2>/dev/null || :
	wait "$job" || status=$?
	[ "$status" -eq 137 ]
}

no_partial_images() { [ -z "$(find "$T" -maxdepth 1 -name '.lvm-run-*')" ]; }

a_killed_checkpoint_leaves_it_running() {
	local id pause hits=0
	id=$(new_id)
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/out" 2>&1
	wait_for 10 has_lines "$T/out" 3
	for pause in 1 3 5 8 12 18 25 35 50; do
		! kill_after "$pause" checkpoint -R --image-path "$T/live.img" "$id" || hits=$((hits + 1))
		runs_on "$T/out"
		wait_for 20 container_is "$id" running
		wait_for 20 no_partial_images
	done
	echo "$hits kills"
	[ "$hits" -ge 2 ]
	lvm checkpoint -R --image-path "$T/live.img" "$id"
	lvm delete --force "$id"
	nothing_left
}

# As a shell's kill %1 and a terminal do, to all processes that the command has started.
a_killed_job_leaves_it_running() { as_a_job=1 && a_killed_checkpoint_leaves_it_running; }

a_killed_checkpoint_ends_it_only_when_it_is_whole() {
	local id pause hits=0
	for pause in 2 6 12 20 30 45; do
		id=$(new_id)
		rm -rf "$T/end.img"
		lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/out" 2>&1
		wait_for 10 has_lines "$T/out" 3
		! kill_after "$pause" checkpoint --image-path "$T/end.img" "$id" || hits=$((hits + 1))
		wait_for 20 no_partial_images
		# It takes the lock of the container, which the one that guards it holds until all is settled.
		if container_is "$id" running; then
			runs_on "$T/out"
		else
			[ ! -d "$ROOT/$id" ] || lvm delete --force "$id"
			lvm restore -d -b "$BUNDLE" --image-path "$T/end.img" "$id" </dev/null >"$T/out" 2>&1
			runs_on "$T/out"
		fi
		lvm delete --force "$id"
	done
	echo "$hits kills"
	[ "$hits" -ge 2 ]
	nothing_left
}

a_killed_restore_is_cleaned_up() {
	local id pause hits=0
	id=$(new_id)
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/out" 2>&1
	wait_for 10 has_lines "$T/out" 3
	lvm checkpoint --image-path "$T/source.img" "$id"
	for pause in 1 3 6 10 15 22 30 45; do
		id=$(new_id)
		! kill_after "$pause" restore -d -b "$BUNDLE" --image-path "$T/source.img" "$id" || hits=$((hits + 1))
		sleep 0.1
		[ ! -d "$ROOT/$id" ] || lvm delete --force "$id"
		[ ! -e "$ROOT/$id" ]
	done
	echo "$hits kills"
	[ "$hits" -ge 2 ]
	wait_for 20 nothing_left
	id=$(new_id)
	lvm restore -d -b "$BUNDLE" --image-path "$T/source.img" "$id" </dev/null >"$T/out" 2>&1
	runs_on "$T/out"
	lvm delete --force "$id"
	nothing_left
}

check 'a container whose checkpoint --leave-running is killed runs on' a_killed_checkpoint_leaves_it_running
check 'nor does it end when all of the command is killed at once' a_killed_job_leaves_it_running
check 'a container whose checkpoint is killed runs on, or is whole on disk' a_killed_checkpoint_ends_it_only_when_it_is_whole
check 'what a killed restore leaves, delete --force removes' a_killed_restore_is_cleaned_up
finish
