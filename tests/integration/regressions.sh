#!/usr/bin/env bash
# One sub-test a bug that was found by reading: each failed before its correction.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1

config() { # FILTER…: a configuration beside config.json, in CONFIG
	local filter=. part
	for part in "$@"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "$filter" "$BUNDLE/config.json" >"$CONFIG"
}

run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

# --- Descriptors of the host --------------------------------------------------------------------

# Upwards from a directory of ours: as far as it takes to reach the host's root.
ups() { printf '/..%.0s' $(seq 1 "$1"); }

# The program's path leads through descriptor N, and from there to the host.
refuse_program_through() { # N COMMAND…, which runs CONFIG
	local fd=$1 depth up output
	shift
	for depth in 0 1 2 3 4 5 6 7 8; do
		up=
		[ "$depth" -eq 0 ] || up=$(ups "$depth")
		config ".process.args = [\"/proc/self/fd/$fd$up/bin/busybox\", \"echo\", \"outside\"]"
		output=$("$@" 2>/dev/null) || :
		[ -z "$output" ] || { echo "descriptor $fd, $depth levels up: a program of the host ran"; return 1; }
	done
}

run_without_input() { run <&-; }
run_with_gaps() { lvm run --preserve-fds 2 -b "$BUNDLE" -f "$CONFIG" "$(new_id)" 3<&- 4<&-; }
run_with_gap_first() { lvm run --preserve-fds 2 -b "$BUNDLE" -f "$CONFIG" "$(new_id)" 3<&- 4</dev/null; }
run_with_gap() { lvm run --preserve-fds 2 -b "$BUNDLE" -f "$CONFIG" "$(new_id)" 3</dev/null 4<&-; }

closed_streams_are_no_way_out() {
	refuse_program_through 0 run_without_input
	config '.process.args = ["sh", "-c", "readlink /proc/self/fd/0; exit 3"]'
	expect_equal /dev/null "$(run <&- || :)"
	expect_exit 3 run <&-
	expect_exit 3 run >&-
	expect_exit 3 run 2>&-
}

gaps_between_passed_descriptors_are_no_way_out() {
	refuse_program_through 3 run_with_gaps
	refuse_program_through 4 run_with_gaps
	refuse_program_through 4 run_with_gap
	config '.process.args = ["sh", "-c", "for n in 3 4 5; do [ ! -e /proc/self/fd/$n ] || echo $n; done"]'
	expect_output 4 run_with_gap_first
}

no_directory_is_made_through_a_descriptor() {
	local fd id
	for fd in $(seq 3 20); do
		config ".process.cwd = \"/proc/self/fd/$fd/made\"" '.process.args = ["true"]'
		expect_exit 1 run
	done
	id=$(new_id)
	lvm create -b "$BUNDLE" "$id"
	lvm start "$id"
	for fd in $(seq 3 20); do
		expect_exit 255 lvm exec --cwd "/proc/self/fd/$fd/made" "$id" true
	done
	expect_equal '' "$(find "$T" "$(jq -r .cgroupMount "$ROOT/$id/record.json")" -name made 2>/dev/null || :)"
}

check 'a closed standard stream becomes /dev/null, not a descriptor of ours' closed_streams_are_no_way_out
check 'a gap among the passed descriptors stays one' gaps_between_passed_descriptors_are_no_way_out
check 'no working directory is made outside through a descriptor' no_directory_is_made_through_a_descriptor

# --- Signals that the caller ignores ------------------------------------------------------------

ignoring() { # SIGNALS ARGUMENT…, of the runtime
	timeout 60 env --ignore-signal="$1" "$RUNTIME" --root "$ROOT" "${@:2}"
}

no_signal_stays_ignored() {
	local id
	config '.process.args = ["sed", "-n", "s/^SigIgn:.//p", "/proc/self/status"]'
	expect_output 0000000000000000 ignoring PIPE,HUP,INT,TERM,CHLD,USR1,RTMIN \
		run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	id=$(new_id)
	lvm create -b "$BUNDLE" "$id"
	lvm start "$id"
	expect_output 0000000000000000 ignoring PIPE,HUP,INT,TERM,CHLD \
		exec "$id" sed -n 's/^SigIgn:.//p' /proc/self/status
}

children_are_waited_for_all_the_same() {
	config '.process.args = ["sh", "-c", "exit 3"]' \
		'.hooks.prestart = [{"path": "/bin/true"}] | .hooks.createContainer = [{"path": "/bin/true"}]' \
		'.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 5}}'
	expect_exit 3 ignoring CHLD run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
}

check 'the program ignores no signal because the caller does' no_signal_stays_ignored
check 'a caller that ignores SIGCHLD gets the exit status' children_are_waited_for_all_the_same

# --- User namespaces by path --------------------------------------------------------------------

user_namespace_of_another_container() {
	local first pid join limits
	new_bundle mapped '.process.args = ["sleep", "1000"]' '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	first=$(new_id)
	lvm create -b "$BUNDLE" "$first"
	lvm start "$first"
	pid=$(lvm state "$first" | jq .pid)
	join="(.linux.namespaces[] | select(.type == \"user\")).path = \"/proc/$pid/ns/user\""
	limits='.process.oomScoreAdj = 500 | .process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 99}]'
	config "$join" "$limits" '.process.args = ["sh", "-c",
		"touch /dev/shm/x && stat -c %u /dev/shm/x /dev/null; id -u; ulimit -n; cat /proc/self/oom_score_adj"]'
	expect_output "$(printf '0\n65534\n0\n99\n500')" run
	# What pods do: the sandbox has the maps, the others only the path.
	config "$join" 'del(.linux.uidMappings, .linux.gidMappings)' \
		'.process.args = ["sh", "-c", "touch /dev/shm/x && id -u"]'
	expect_output 0 run
}

own_user_namespace_is_none() {
	local id
	id=$(new_id)
	config '.linux.namespaces += [{"type": "user", "path": "/proc/self/ns/user"}]'
	lvm create -b "$BUNDLE" -f "$CONFIG" "$id"
	lvm start "$id"
	expect_output 0 lvm exec "$id" id -u
}

check 'a container joins the user namespace of another and can make files' user_namespace_of_another_container
check 'exec does not join the user namespace that it is in' own_user_namespace_is_none

# --- Processes that nobody reaps ----------------------------------------------------------------

# Whoever took over a process that exec brought into the container does not reap it, and so long the kernel
# keeps the container's init, which has ended.
delete_beside_a_zombie() { # OPTIONS SCRIPT, with $lvm, $id and $group: between the exec and the end
	local id lvm
	id=$(new_id) lvm="$RUNTIME --root $ROOT"
	# shellcheck disable=SC2086 # words
	lvm $1 run -d -b "$BUNDLE" "$id"
	timeout 60 "$TESTKIT" careless env lvm="$lvm" id="$id" group="$(group_of "$id")" \
		bash -euc '$lvm exec -d $id sleep 1000; '"$2"'; $lvm delete --force $id'
	nothing_left
}
group_of() { jq -r 'select(.cgroupPath) | .cgroupMount + .cgroupPath' "$ROOT/$1/record.json"; }

delete_goes_on_where_another_was_killed() {
	delete_beside_a_zombie '' 'rm ${lvm#* --root }/$id/record.json; echo 1 >$group/cgroup.kill
		until rmdir $group; do sleep 0.02; done'
	delete_beside_a_zombie '' 'echo 1 >$group/cgroup.kill; until rmdir $group; do sleep 0.02; done'
}
delete_without_a_group_goes_on() { delete_beside_a_zombie '--cgroup-manager disabled' :; }

check 'delete --force goes on where a killed one ended, though nobody reaps what exec started' delete_goes_on_where_another_was_killed
check 'delete --force of a container without a group waits for no zombie' delete_without_a_group_goes_on

# --- Large states -------------------------------------------------------------------------------

annotations_of_any_size_reach_the_hooks() {
	local id hook
	hook="[{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"wc -c | tr -dc 0-9; echo\"]}]"
	config '.process.args = ["true"]' '.annotations = {"large": ("x" * 300000)}'
	id=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$id"
	lvm start "$id"
	expect_exit 0 run
	config '.process.args = ["true"]' '.annotations = {"large": ("\\u0001" * 100000)}' \
		".hooks.prestart = $hook | .hooks.createContainer = $hook | .hooks.startContainer = $hook" \
		".hooks.poststart = $hook"
	run >"$T/sizes"
	expect_equal 4 "$(awk '$1 > 100000' "$T/sizes" | wc -l)"
	id=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$id" >/dev/null
	lvm start "$id" >/dev/null
}

check 'a container with many annotations starts, and its hooks get them all' annotations_of_any_size_reach_the_hooks

# --- A state root that is none ------------------------------------------------------------------

directories_of_others_are_spared() {
	local before
	mkdir -p "$T/other/etc" "$T/other/web/rootfs" "$T/other/half"
	echo precious | tee "$T/other/etc/passwd" "$T/other/web/config.json" >"$T/other/web/status"
	touch "$T/other/half/.record.json.1.tmp"
	before=$(cd "$T/other" && find etc web | sort)
	expect_error "no container's" "$RUNTIME" --root "$T/other" delete --force etc
	expect_error "no container's" "$RUNTIME" --root "$T/other" delete --force web
	expect_output 'half: creation was cut off' "$RUNTIME" --root "$T/other" gc
	expect_equal "$before" "$(cd "$T/other" && find . -mindepth 1 | cut -c3- | sort)"
}

check 'delete --force and gc spare what is no container' directories_of_others_are_spared

# --- Hooks inside the container -----------------------------------------------------------------

start_container_hooks_are_confined() {
	local hook
	hook='grep -E "^(Uid|CapPrm|CapBnd|NoNewPrivs)" /proc/self/status; env | grep -E "^(OF_|A=)"'
	config '.process.args = ["sh", "-c", "grep -E \"^(Uid|CapPrm|CapBnd|NoNewPrivs)\" /proc/self/status; echo A=1"]' \
		'.process.env = ["PATH=/bin", "A=1"]' '.process.user = {"uid": 1000, "gid": 1000}' \
		".hooks.startContainer = [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", $(jq -n --arg s "$hook" '$s')]}]"
	OF_THE_HOST=secret run >"$T/rights"
	expect_equal 10 "$(wc -l <"$T/rights")"
	expect_equal "$(tail -n 5 "$T/rights")" "$(head -n 5 "$T/rights")"
}

check 'startContainer hooks have the rights and variables of the program' start_container_hooks_are_confined

# --- kill ---------------------------------------------------------------------------------------

sigkill_ends_what_shares_the_pid_namespace() {
	local id pids pid
	config '.linux.namespaces -= [{"type": "pid"}]' '.process.args = ["sh", "-c", "sleep 1001 & sleep 1002 & wait"]'
	id=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$id"
	lvm start "$id"
	wait_for 5 sh -c "[ \$('$RUNTIME' --root '$ROOT' ps -f json $id | jq length) -eq 3 ]"
	pids=$(lvm ps -f json "$id" | jq '.[]')
	lvm kill "$id" KILL
	for pid in $pids; do wait_for 5 has_ended "$pid"; done
	wait_for 5 expect_error 'container not running' lvm kill "$id" KILL
}

what_outlives_init_is_killed() {
	local id pids pid
	config '.linux.namespaces -= [{"type": "pid"}]' '.process.args = ["sh", "-c", "sleep 1001 & exit"]'
	id=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$id"
	lvm start "$id"
	wait_for 5 container_is "$id" stopped
	pids=$(cat "$(jq -r '.cgroupMount + .cgroupPath' "$ROOT/$id/record.json")/cgroup.procs")
	[ -n "$pids" ]
	expect_error 'container not running' lvm kill "$id" TERM
	lvm kill --all "$id" KILL
	for pid in $pids; do wait_for 5 has_ended "$pid"; done
}

a_start_that_hangs_is_ended() {
	local id end job
	config '.hooks.startContainer = [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]'
	for end in 'kill ID KILL' 'delete --force ID'; do
		id=$(new_id)
		lvm create -b "$BUNDLE" -f "$CONFIG" "$id"
		lvm start "$id" & job=$!
		sleep 0.3
		# shellcheck disable=SC2086 # words
		timeout 60 "$RUNTIME" --root "$ROOT" ${end/ID/"$id"}
		if wait "$job"; then return 1; fi
	done
}

check 'SIGKILL ends all of a container without a pid namespace' sigkill_ends_what_shares_the_pid_namespace
check 'kill --all reaches what outlives init' what_outlives_init_is_killed
check 'a start that hangs holds up neither kill nor delete --force' a_start_that_hangs_is_ended

# --- The container's files ----------------------------------------------------------------------

the_root_is_changed_without_a_mount_namespace() {
	local id
	id=$(new_id)
	config '.linux.namespaces -= [{"type": "mount"}] | .mounts = [] | .root.readonly = false' \
		'.linux.maskedPaths = [] | .linux.readonlyPaths = []'
	touch "$BUNDLE/rootfs/this-is-the-container"
	lvm create -b "$BUNDLE" -f "$CONFIG" "$id"
	lvm start "$id"
	expect_output /this-is-the-container lvm exec "$id" ls /this-is-the-container
	[ -e "/proc/$(lvm state "$id" | jq .pid)/root/this-is-the-container" ]
	expect_output '' lvm exec "$id" sh -c "ls -d '$T' 2>/dev/null || true"
}

home_stands_in_a_last_line_without_end() {
	new_bundle home '.process.env = ["PATH=/bin"]' '.process.args = ["sh", "-c", "echo $HOME"]'
	printf 'a:x:1:1::/a:/bin/sh\nroot:x:0:0::/elsewhere:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
	config .
	expect_output /elsewhere run
}

a_made_directory_is_open_to_all() {
	new_bundle made '.root.readonly = false' '.process.cwd = "/made/here"' \
		'.process.args = ["stat", "-c", "%a", "/made", "/made/here"]'
	config .
	umask 077
	expect_output "$(printf '755\n755')" run
}

a_directory_is_made_before_the_root_is_read_only() {
	new_bundle made-before '.root.readonly = true' '.process.cwd = "/made/here"' \
		'.process.args = ["stat", "-c", "%a", "/made", "/made/here"]'
	config .
	umask 077
	expect_output "$(printf '755\n755')" run
}

check 'a working directory is made before the root is read-only' a_directory_is_made_before_the_root_is_read_only
check 'without a mount namespace the root is changed, for exec too' the_root_is_changed_without_a_mount_namespace
check 'HOME is found in a last line without an end' home_stands_in_a_last_line_without_end
check "a working directory that is made has nothing of the caller's umask" a_made_directory_is_open_to_all

# --- Looking into the runtime from a joined pid namespace -----------------------------------------

nobody_looks_into_init() {
	local first pid
	new_bundle pod '.linux.namespaces += [{"type": "user"}] | .root.readonly = false' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings' '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	config ".process.args = [\"sh\", \"-c\", \"while :; do for p in /proc/[0-9]*; do
		[ ! -e \$p/root$ROOT ] || >/seen; [ ! -e \$p/root/this-is-ours ] || >/looked; done; done\"]"
	touch "$BUNDLE/rootfs/this-is-ours"
	first=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$first"
	lvm start "$first"
	pid=$(lvm state "$first" | jq .pid)
	config '.process.args = ["true"] | del(.linux.uidMappings, .linux.gidMappings)' ".linux.namespaces |= map(
		if .type == \"user\" or .type == \"pid\" then .path = \"/proc/$pid/ns/\" + .type else . end)"
	for _ in $(seq 30); do run; done
	# Its own root it sees: it does look.
	wait_for 5 test -e "$BUNDLE/rootfs/looked"
	[ ! -e "$BUNDLE/rootfs/seen" ]
}

check 'nobody in a joined pid namespace looks into init' nobody_looks_into_init

# --- The intermediate process -------------------------------------------------------------------

init_waits_for_its_stage() {
	config '.process.args = ["true"]' '.hooks.createContainer = [{"path": "/bin/true"}]' '.mounts |= .[:2]' '.linux.maskedPaths = []' \
		'.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 5}}'
	for _ in $(seq 200); do run; done
}

check 'init does not speak before its stage has told of it' init_waits_for_its_stage

finish
