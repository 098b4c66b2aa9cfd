#!/usr/bin/env bash
# Hooks of all six kinds: order, what they are given, where they run, and what their failure does.
# shellcheck disable=SC2016 # shells of hooks and containers expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sh", "-c", "echo program >>/out/log; sleep 1000"]' \
	'.mounts += [{"destination": "/out", "type": "bind", "source": "\(env.T)/out", "options": ["rbind", "rw"]}]' || exit 1
mkdir "$T/out"
mkdir "$BUNDLE/rootfs/out"

# hooks KIND SCRIPT…: a configuration with these, in CONFIG. Scripts of the host's side and of the
# container's find $LOG where they can write.
hooks() {
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	cp "$BUNDLE/config.json" "$CONFIG"
	while [ $# -gt 0 ]; do
		local log=$T/out/log
		[ "$1" != startContainer ] || log=/out/log
		jq --arg k "$1" --arg s "$2" --arg log "$log" --arg out "${log%/log}" '.hooks[$k] += [{"path": "/bin/sh", "args": ["sh", "-c", $s],
			"env": ["PATH=/usr/bin:/bin", "LOG=\($log)", "OUT=\($out)"]}]' "$CONFIG" >"$CONFIG.new"
		mv "$CONFIG.new" "$CONFIG"
		shift 2
	done
	rm -rf "$T/out"
	mkdir "$T/out"
}

create() { ID=$(new_id) && lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"; }

all_kinds='prestart createRuntime createContainer startContainer poststart poststop'

all_six() { # SCRIPT, with KIND in it
	local kind list=()
	for kind in $all_kinds; do list+=("$kind" "${1//KIND/$kind}"); done
	hooks "${list[@]}"
}

no_group_of() { expect_equal '' "$(find /sys/fs/cgroup/ -maxdepth 4 -name "*$1*" 2>/dev/null || :)"; }

they_run_in_order() {
	all_six 'echo KIND >>$LOG'
	create
	expect_equal 'prestart createRuntime createContainer' "$(xargs <"$T/out/log")"
	lvm start "$ID"
	wait_for 5 grep -q program "$T/out/log"
	grep -qx poststart "$T/out/log"
	expect_equal 'prestart createRuntime createContainer startContainer' "$(head -n 4 "$T/out/log" | xargs)"
	lvm kill "$ID" KILL
	wait_for 5 container_is "$ID" stopped
	expect_no_line poststop "$T/out/log"
	lvm delete "$ID"
	expect_equal poststop "$(tail -n 1 "$T/out/log")"
	expect_equal 7 "$(wc -l <"$T/out/log")"
}

those_of_a_kind_run_in_their_order() {
	hooks createRuntime 'echo 1 >>$LOG' createRuntime 'sleep 0.2; echo 2 >>$LOG' createRuntime 'echo 3 >>$LOG'
	create
	expect_equal '1 2 3' "$(xargs <"$T/out/log")"
}

run_runs_all_of_them() {
	all_six 'echo KIND >>$LOG'
	jq '.process.args = ["true"]' "$CONFIG" >"$T/run.json"
	lvm run -b "$BUNDLE" -f "$T/run.json" "$(new_id)"
	expect_equal "$all_kinds" "$(xargs <"$T/out/log")"
}

the_state_is_on_standard_input() {
	local kind pid
	all_six 'cat >$OUT/KIND.json'
	jq '.annotations = {"k": "v"}' "$CONFIG" >"$T/annotated.json"
	CONFIG=$T/annotated.json
	create
	pid=$(lvm state "$ID" | jq .pid)
	lvm start "$ID"
	lvm kill "$ID" KILL
	wait_for 5 container_is "$ID" stopped
	lvm delete "$ID"
	for kind in $all_kinds; do
		echo "$kind"
		jq -e --arg id "$ID" --arg b "$BUNDLE" '.id == $id and .bundle == $b and .annotations == {"k": "v"} and
			(.ociVersion | type == "string")' "$T/out/$kind.json"
	done
	for kind in prestart createRuntime createContainer; do
		jq -e --argjson pid "$pid" '.status == "creating" and .pid == $pid' "$T/out/$kind.json"
	done
	jq -e --argjson pid "$pid" '.status == "created" and .pid == $pid' "$T/out/startContainer.json"
	jq -e --argjson pid "$pid" '.status == "running" and .pid == $pid' "$T/out/poststart.json"
	jq -e '.status == "stopped"' "$T/out/poststop.json"
}

they_run_where_they_should() {
	local kind ns pid
	all_six 'for n in mnt net pid uts ipc cgroup; do readlink /proc/self/ns/$n; done >$OUT/KIND; hostname >>$OUT/KIND'
	create
	pid=$(lvm state "$ID" | jq .pid)
	lvm start "$ID"
	for ns in mnt net uts ipc; do
		readlink "/proc/self/ns/$ns" >"$T/host"
		readlink "/proc/$pid/ns/$ns" >"$T/container"
		for kind in prestart createRuntime poststart; do
			echo "$kind $ns"
			grep -qxFf "$T/host" "$T/out/$kind"
		done
		for kind in createContainer startContainer; do
			echo "$kind $ns"
			grep -qxFf "$T/container" "$T/out/$kind"
		done
	done
	expect_equal lvm-run "$(tail -n 1 "$T/out/createContainer")"
	expect_equal "$(hostname)" "$(tail -n 1 "$T/out/createRuntime")"
	lvm delete --force "$ID"
	readlink /proc/self/ns/mnt >"$T/host"
	grep -qxFf "$T/host" "$T/out/poststop"
}

create_container_sees_both_trees() {
	# Paths are those of the runtime, the mounts of the container are there, before the pivot.
	hooks createContainer "[ -d $T ] && echo host >>\$LOG; grep -q '$BUNDLE/rootfs/proc ' /proc/self/mountinfo && echo mounted >>\$LOG"
	create
	expect_equal 'host mounted' "$(xargs <"$T/out/log")"
}

start_container_sees_the_container() {
	hooks startContainer '[ ! -d /home/nobody ] && [ -x /bin/busybox ] && ls / >$OUT/ls; echo $$ >/dev/null'
	create
	[ ! -e "$T/out/ls" ]
	lvm start "$ID"
	grep -qx out "$T/out/ls"
}

mounts_of_create_runtime_hooks_reach_nothing_of_the_host() {
	hooks createContainer 'mount -t tmpfs "inside-$OUT" /mnt && echo mounted >>$LOG'
	create
	grep -qx mounted "$T/out/log"
	# Neither it, nor what create has mounted for the container; others on the machine may mount.
	expect_no_line -F "$T" /proc/self/mountinfo
}

their_environment() {
	hooks createRuntime 'env | sort >$OUT/env'
	jq '.hooks.createRuntime[0].env = ["ONLY=this", "OUT=" + env.T + "/out"] | .hooks.createRuntime[0].args[2] = "/usr/bin/env >$OUT/env"' "$CONFIG" >"$T/env.json"
	CONFIG=$T/env.json
	SECRET=x create
	grep -qx ONLY=this "$T/out/env"
	expect_no_line SECRET "$T/out/env"
}

their_arguments() {
	hooks
	jq '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["name", "-c", "echo $0 $1 >\(env.T)/out/args", "zero", "one"]}]' "$CONFIG" >"$T/args.json"
	CONFIG=$T/args.json
	create
	expect_equal 'zero one' "$(cat "$T/out/args")"
}

no_descriptors_leak_into_them() {
	hooks createRuntime 'ls /proc/self/fd | xargs >$OUT/fds' poststop 'ls /proc/self/fd | xargs >$OUT/poststop' \
		createContainer 'ls /proc/self/fd | xargs >$OUT/container'
	ID=$(new_id)
	(exec 7</ 8</etc && lvm create -b "$BUNDLE" -f "$CONFIG" "$ID")
	expect_equal '0 1 2 3' "$(cat "$T/out/fds")"
	expect_equal '0 1 2 3' "$(cat "$T/out/container")"
	lvm delete "$ID"
	expect_equal '0 1 2 3' "$(cat "$T/out/poststop")"
}

a_late_one_is_killed() {
	local begin=$SECONDS
	hooks createRuntime 'exec sleep 100'
	jq '.hooks.createRuntime[0].timeout = 1' "$CONFIG" >"$T/late.json"
	CONFIG=$T/late.json
	expect_error 'still running after 1 s' create
	[ $((SECONDS - begin)) -lt 50 ]
	nothing_left
}

a_timeout_must_be_positive() {
	hooks createRuntime true
	jq '.hooks.createRuntime[0].timeout = 0' "$CONFIG" >"$T/zero.json"
	CONFIG=$T/zero.json
	expect_error timeout create
	jq '.hooks.createRuntime[0] |= (del(.timeout) | .path = "bin/sh")' "$CONFIG" >"$T/relative.json"
	CONFIG=$T/relative.json
	expect_error path create
	nothing_left
}

one_that_fails_before_create_undoes_it() {
	local kind
	for kind in prestart createRuntime createContainer; do
		hooks "$kind" 'echo first >>$LOG' "$kind" 'exit 7' "$kind" 'echo never >>$LOG' poststop 'echo poststop >>$LOG'
		ID=$(new_id)
		expect_error "$kind hook /bin/sh: exit status 7" lvm create --pid-file "$T/pid" -b "$BUNDLE" -f "$CONFIG" "$ID"
		expect_error 'container does not exist' lvm state "$ID"
		[ ! -e "$T/pid" ]
		grep -qx first "$T/out/log"
		expect_no_line never "$T/out/log"
		no_group_of "$ID"
		# runtime.md: after such a failure the container is destroyed, then the poststop hooks run.
		expect_equal "$kind: 1" "$kind: $(grep -c poststop "$T/out/log" || true)"
	done
	nothing_left
}

# runtime.md, lifecycle, steps 7 and 9: an error, the container is stopped, then destroyed, then poststop.
one_that_fails_destroys_it() { # KIND: startContainer or poststart
	local pid
	hooks "$1" 'exit 8' "$1" 'echo never >>$LOG' poststop 'cat >$OUT/state; echo poststop >>$LOG'
	create
	pid=$(lvm state "$ID" | jq .pid)
	expect_error "$1 hook /bin/sh: exit status 8" lvm start "$ID"
	expect_error 'container does not exist' lvm state "$ID"
	expect_error 'container does not exist' lvm delete "$ID"
	lvm delete --force "$ID"
	wait_for 5 expect_exit 1 kill -0 "$pid"
	no_group_of "$ID"
	nothing_left
	expect_equal poststop "$(grep -vx program "$T/out/log")"
	jq -e --arg id "$ID" '.id == $id and .status == "stopped"' "$T/out/state"
	hooks "$1" 'exit 9' poststop 'echo poststop >>$LOG'
	ID=$(new_id)
	expect_error "$1 hook" lvm run -b "$BUNDLE" -f "$CONFIG" "$ID"
	expect_error 'container does not exist' lvm state "$ID"
	no_group_of "$ID"
	expect_equal poststop "$(grep -vx program "$T/out/log")"
}

# What is no hook's failure leaves a container that has ended.
a_program_that_cannot_run_leaves_a_stopped_one() {
	hooks startContainer 'exit 0' poststop 'echo poststop >>$LOG'
	printf '#!/no/such/interpreter\n' >"$BUNDLE/rootfs/broken"
	chmod +x "$BUNDLE/rootfs/broken"
	jq '.process.args = ["/broken"]' "$CONFIG" >"$T/broken.json"
	CONFIG=$T/broken.json
	create
	expect_error /broken lvm start "$ID"
	wait_for 5 container_is "$ID" stopped
	[ ! -e "$T/out/log" ]
	lvm delete "$ID"
	expect_equal poststop "$(cat "$T/out/log")"
}

one_that_fails_after_delete_is_a_warning() {
	hooks poststop 'exit 1' poststop 'echo second >>$LOG'
	create
	lvm delete --force "$ID"
	expect_error 'container does not exist' lvm state "$ID"
	no_group_of "$ID"
	# The rest of them run all the same.
	expect_equal second "$(cat "$T/out/log")"
}

poststop_runs_when_all_is_gone() {
	hooks poststop 'id=$(sed "s/.*\"id\": *\"\([^\"]*\)\".*/\1/"); echo "<$id>" >>$LOG'
	create
	lvm delete "$ID"
	no_group_of "$ID"
	[ -s "$T/out/log" ]
	hooks poststop "ls '$ROOT' >\$OUT/states"
	create
	lvm delete "$ID"
	expect_no_line "$ID" "$T/out/states"
}

a_missing_one_is_named() {
	hooks
	jq '.hooks.createRuntime = [{"path": "/no/such/hook"}]' "$CONFIG" >"$T/missing.json"
	CONFIG=$T/missing.json
	expect_error 'createRuntime hook /no/such/hook' create
	nothing_left
}

one_that_reads_nothing_holds_up_nobody() {
	hooks createRuntime 'exec <&-; exit 0' createRuntime true
	create
	hooks createRuntime 'sleep 100 & exit 0'
	timeout 60 "$RUNTIME" --root "$ROOT" create -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
}

one_killed_by_a_signal_is_told() {
	hooks createRuntime 'kill -9 $$'
	expect_error 'killed by signal 9' create
	nothing_left
}

check 'all kinds run, in order' they_run_in_order
check 'hooks of one kind run in their order' those_of_a_kind_run_in_their_order
check 'run runs all of them' run_runs_all_of_them
check 'each gets the state on standard input' the_state_is_on_standard_input
check 'each runs in the namespaces of its kind' they_run_where_they_should
check 'createContainer hooks see the host and the mounts' create_container_sees_both_trees
check 'startContainer hooks see the container' start_container_sees_the_container
check 'mounts made by a createContainer hook stay inside' mounts_of_create_runtime_hooks_reach_nothing_of_the_host
check 'the environment of a hook is its own' their_environment
check 'the arguments of a hook are its own' their_arguments
check 'no descriptors leak into hooks' no_descriptors_leak_into_them
check 'a late hook is killed and fails' a_late_one_is_killed
check 'a hook without a time or with a relative path is refused' a_timeout_must_be_positive
check 'a hook that fails during create undoes it' one_that_fails_before_create_undoes_it
check 'a startContainer hook that fails stops and destroys the container' one_that_fails_destroys_it startContainer
check 'a poststart hook that fails stops and destroys the container' one_that_fails_destroys_it poststart
check 'a program that cannot run is no failing hook: the container is stopped' a_program_that_cannot_run_leaves_a_stopped_one
check 'a poststop hook that fails is no error' one_that_fails_after_delete_is_a_warning
check 'poststop hooks run when all is gone' poststop_runs_when_all_is_gone
check 'a missing hook is named' a_missing_one_is_named
check 'a hook that reads nothing, or leaves a child, holds up nobody' one_that_reads_nothing_holds_up_nobody

# --- What a hook leaves running -------------------------------------------------------------------

# A child that outlives the hook, in a session of its own; its number comes into $OUT/child.
child='setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >$OUT/child;'

child_is_gone() { ! kill -0 "$(cat "$T/out/child")" 2>/dev/null || [ "$(ps -o state= -p "$(cat "$T/out/child")")" = Z ]; }

what_a_failed_one_left_is_ended() {
	local kind
	for kind in prestart createRuntime; do
		hooks "$kind" "$child exit 1"
		expect_error 'exit status 1' create
		wait_for 5 child_is_gone
		nothing_left
	done
	hooks poststart "$child exit 1"
	create
	expect_error 'poststart hook' lvm start "$ID"
	wait_for 5 child_is_gone
	nothing_left
	no_group_of "$ID"
}

what_a_late_one_left_is_ended() {
	hooks createRuntime "$child sleep 100"
	jq '.hooks.createRuntime[0].timeout = 1' "$CONFIG" >"$T/late.json"
	CONFIG=$T/late.json
	expect_error 'still running after 1 s' create
	wait_for 5 child_is_gone
	nothing_left
}

what_one_left_on_purpose_lives_in_the_group_of_the_command() {
	local pid
	hooks createRuntime "$child"
	create
	pid=$(cat "$T/out/child")
	expect_equal "$(sed -n 's/^0:://p' /proc/self/cgroup)" "$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
	no_group_of "$ID:hooks"
	lvm delete --force "$ID"
	kill "$pid"
	no_group_of "$ID"
}

one_runs_in_a_group_of_its_own() {
	hooks createRuntime 'cat /proc/self/cgroup >$OUT/group'
	create
	grep -q "^0::/lvm-run-$ID:hooks-[0-9a-f]*$" "$T/out/group"
	lvm --cgroup-manager disabled run -d -b "$BUNDLE" -f "$CONFIG" "$ID-2"
	expect_equal "$(grep ^0:: /proc/self/cgroup)" "$(grep ^0:: "$T/out/group")"
	lvm delete --force "$ID-2"
}

forced_delete_ends_a_create_that_hangs_in_one() {
	local kind pid
	for kind in prestart createRuntime poststart; do
		hooks "$kind" "$child exec sleep 1000"
		ID=$(new_id)
		"$RUNTIME" --root "$ROOT" run -d -b "$BUNDLE" -f "$CONFIG" "$ID" >"$T/hanging" 2>&1 &
		pid=$!
		wait_for 5 test -s "$T/out/child"
		timeout 60 "$RUNTIME" --root "$ROOT" delete --force "$ID"
		wait_for 5 child_is_gone
		expect_exit 1 wait "$pid"
		grep -q "$kind hook .*killed by signal 9" "$T/hanging"
		nothing_left
		no_group_of "$ID"
	done
}

a_delete_in_its_poststop_hook_is_left_alone() {
	local pid
	hooks poststop 'echo begun >>$LOG; while [ ! -e $OUT/go ]; do sleep 0.05; done; echo done >>$LOG'
	create
	"$RUNTIME" --root "$ROOT" delete "$ID" &
	pid=$!
	wait_for 5 grep -q begun "$T/out/log"
	timeout 60 "$RUNTIME" --root "$ROOT" delete --force "$ID"
	: >"$T/out/go"
	wait "$pid"
	expect_equal 'begun done' "$(xargs <"$T/out/log")"
	no_group_of "$ID"
}

what_a_killed_delete_left_in_its_poststop_hook_is_found() { # delete or gc, which finds it
	local pid
	hooks poststop "$child sleep 1000"
	create
	"$RUNTIME" --root "$ROOT" delete "$ID" &
	pid=$!
	wait_for 5 test -s "$T/out/child"
	kill -KILL "$pid"
	wait "$pid" || true
	expect_error 'container does not exist' lvm state "$ID"
	kill -0 "$(cat "$T/out/child")"
	if [ "$1" = gc ]; then
		expect_output "$ID: what a hook left running" lvm gc
	else
		lvm delete --force "$ID"
	fi
	wait_for 5 child_is_gone
	no_group_of "$ID"
}

check 'a hook runs in a group of its own, but not without cgroups' one_runs_in_a_group_of_its_own
check 'what a failed hook left running is ended' what_a_failed_one_left_is_ended
check 'what a hook left running that took too long is ended' what_a_late_one_left_is_ended
check 'what a hook left running on purpose lives on, where the command lives' what_one_left_on_purpose_lives_in_the_group_of_the_command
check 'delete --force ends a create that hangs in a hook' forced_delete_ends_a_create_that_hangs_in_one
check 'delete --force does not disturb a delete in its poststop hook' a_delete_in_its_poststop_hook_is_left_alone
check 'delete --force finds what a killed delete left of its poststop hook' what_a_killed_delete_left_in_its_poststop_hook_is_found delete
check 'gc finds it too' what_a_killed_delete_left_in_its_poststop_hook_is_found gc
check 'a hook that a signal ended is told' one_killed_by_a_signal_is_told
finish
