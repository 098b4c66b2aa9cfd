#!/usr/bin/env bash
# exec: its options, the process file, detaching, created and paused containers, what a hostile
# container sees of it, and that nothing of it is left behind.
# shellcheck disable=SC2016 # shells in the container expand these
# not for the test machine: its kernel has AppArmor, whose absence one sub-test wants
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"

start_one() { # [FILTER]: sets ID and PID
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "${1:-.}" "$BUNDLE/config.json" >"$CONFIG"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	PID=$(lvm state "$ID" | jq .pid)
}

group_of() { jq -r '.cgroupMount + .cgroupPath' "$ROOT/$1/record.json"; }

process_file() { # JQ-EXPRESSION: a process object in $T/process.json
	jq "{args: [\"true\"], cwd: \"/\", user: {uid: 0, gid: 0}, env: [\"PATH=/bin\"]} | $1" <<<null >"$T/process.json"
}

a_command_and_its_words() {
	start_one
	expect_output 'a  b' lvm exec "$ID" echo 'a  b'
	expect_output '-x --env y' lvm exec "$ID" echo -x --env y
	expect_output 'after' lvm exec "$ID" -- echo after
	expect_exit 255 lvm exec "$ID" 2>/dev/null
	expect_error 'unknown option --unknown' lvm exec --unknown "$ID" true
}

a_process_file() {
	start_one '.process.user.uid = 5 | .process.env = ["OWN=1"]'
	process_file '.args = ["sh", "-c", "id -u; id -g; id -G; pwd; echo $A-$OWN; umask; grep NoNewPrivs /proc/self/status; grep CapEff /proc/self/status; exit 9"] |
		.cwd = "/home" | .user = {uid: 1000, gid: 1001, additionalGids: [50], umask: 7} | .env = ["PATH=/bin", "A=b"] | .noNewPrivileges = true |
		.capabilities = {bounding: ["CAP_KILL"]}'
	expect_exit 9 lvm exec --process "$T/process.json" "$ID" >"$T/out"
	expect_equal '1000 1001 1001 50 /home b- 0007 NoNewPrivs: 1 CapEff: 0000000000000000' "$(xargs <"$T/out")"
	expect_exit 9 lvm exec -p "$T/process.json" "$ID" >/dev/null
}

a_bad_process_file_is_an_error() {
	start_one
	expect_error '--process' lvm exec --process /nonexistent "$ID"
	echo '{"args": [' >"$T/bad.json"
	expect_error "$T/bad.json" lvm exec --process "$T/bad.json" "$ID"
	process_file 'del(.args)'
	expect_error args lvm exec --process "$T/process.json" "$ID"
	process_file '.cwd = "x"'
	expect_error cwd lvm exec --process "$T/process.json" "$ID"
	process_file .
	expect_error exclude lvm exec --process "$T/process.json" "$ID" true
	expect_exit 255 lvm exec --process "$T/bad.json" "$ID" 2>/dev/null
}

has_words() { [ "$(tr '\0' ' ' <"/proc/$2/cmdline")" = "$1" ]; }

detached() {
	start_one
	lvm exec --detach --pid-file "$T/exec.pid" "$ID" sleep 777
	# The kernel lets go of who waits for the start before the words are there.
	wait_for 20 has_words 'sleep 777 ' "$(cat "$T/exec.pid")"
	expect_equal 2 "$(lvm ps -f json "$ID" | jq length)"
	lvm exec -d "$ID" sh -c 'exit 3'
	lvm kill --all "$ID" KILL
	wait_for 5 container_is "$ID" stopped
	wait_for 5 sh -c "! grep -q . $(group_of "$ID")/cgroup.procs"
}

into_a_created_one() {
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID"
	expect_output inside lvm exec "$ID" echo inside
	container_is "$ID" created
	lvm start "$ID"
	container_is "$ID" running
}

into_a_paused_one() {
	start_one
	lvm pause "$ID"
	expect_error 'cannot exec: container is paused' lvm exec "$ID" true
	lvm exec --ignore-paused "$ID" echo thawed >"$T/thawed" &
	local job=$!
	sleep 0.3
	[ ! -s "$T/thawed" ]
	timeout 60 "$RUNTIME" --root "$ROOT" resume "$ID"
	wait "$job"
	expect_equal thawed "$(cat "$T/thawed")"
	# What waits in a paused container holds up no other command.
	lvm pause "$ID"
	lvm exec --ignore-paused "$ID" true &
	job=$!
	sleep 0.2
	container_is "$ID" paused
	timeout 60 "$RUNTIME" --root "$ROOT" delete --force "$ID"
	expect_exit 255 wait "$job"
}

into_groups_below() {
	start_one
	local group
	group=$(group_of "$ID")
	mkdir "$group/below"
	expect_equal '0::/below' "$(lvm exec --cgroup below "$ID" cat /proc/self/cgroup | grep ^0::)"
	expect_equal '0::/below' "$(lvm exec --cgroup /below "$ID" cat /proc/self/cgroup | grep ^0::)"
	expect_error 'cgroup "../"' lvm exec --cgroup ../ "$ID" true
	expect_error 'cgroup "none"' lvm exec --cgroup none "$ID" true
	lvm delete --force "$ID"
	[ ! -d "$group" ]
}

its_processes_are_in_the_group() {
	start_one
	expect_equal '0::/' "$(lvm exec "$ID" cat /proc/self/cgroup | grep ^0::)"
	lvm exec -d --pid-file "$T/in.pid" "$ID" sleep 500
	grep -qx "$(cat "$T/in.pid")" "$(group_of "$ID")/cgroup.procs"
}

it_is_a_session_of_its_own() {
	start_one
	expect_equal 1 "$(lvm exec "$ID" sh -c 'set -- $(cat /proc/self/stat); [ "$5" -gt 1 ] && [ "$6" -gt 1 ] && echo 1')"
	expect_equal '0 1 2 3' "$(lvm exec "$ID" ls /proc/self/fd | xargs)"
}

# The serial number of the session keyring: KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING.
keyring_in_exec() { lvm exec "$ID" testkit sys keyctl 0 -3 0; }

its_keyring_is_as_create_was_told() {
	local first
	start_one
	first=$(keyring_in_exec)
	[ "$first" != "$(keyring_in_exec)" ]
	ID=$(new_id)
	lvm run -d --no-new-keyring -b "$BUNDLE" "$ID"
	first=$(keyring_in_exec)
	expect_equal "$first" "$(keyring_in_exec)"
	lvm delete --force "$ID"
}

labels_are_refused_where_unknown() {
	start_one
	[ ! -d /sys/kernel/security/apparmor ] || skip 'this kernel has AppArmor'
	expect_error 'process.apparmorProfile: "x" is asked for, but AppArmor is not enabled' lvm exec --apparmor x "$ID" true
}

a_hostile_container_sees_nothing_of_the_host() {
	start_one '.process.args = ["sh", "-c", "testkit snoop 100 > /dev/shm/found; sleep 1000"] | .process.capabilities[] += ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]'
	local n end=$((SECONDS + 6))
	wait_for 20 lvm exec "$ID" grep -q ready /dev/shm/found
	for n in $(seq 200); do
		[ "$SECONDS" -lt "$end" ] || [ "$n" -le 50 ] || break
		lvm exec "$ID" true
	done
	echo "$n execs"
	lvm exec "$ID" touch /dev/shm/enough
	wait_for 20 lvm exec "$ID" grep -q ^looked /dev/shm/found
	lvm exec "$ID" cat /dev/shm/found | sort -u | tail -n 50 >"$T/found"
	cat "$T/found"
	expect_no_line -E '^(foreign|writable)' "$T/found"
	[ "$(sed -n 's/^looked //p' "$T/found")" -gt 1000 ]
}

many_leave_nothing_behind() {
	local n before group
	start_one
	group=$(group_of "$ID")
	lvm exec "$ID" true
	before=$(find "/proc/$PID/fd" | wc -l)
	find "$ROOT/$ID" | sort >"$T/files"
	for n in $(seq 60); do
		lvm exec "$ID" true
		expect_exit 255 lvm exec "$ID" no-such-program 2>/dev/null
	done
	expect_equal "$before" "$(find "/proc/$PID/fd" | wc -l)"
	expect_equal "$(cat "$T/files")" "$(find "$ROOT/$ID" | sort)"
	expect_equal "$PID" "$(cat "$group/cgroup.procs")"
	expect_equal '' "$(find "$group" -mindepth 1 -type d)"
	expect_equal 1 "$(lvm ps -f json "$ID" | jq length)"
}

many_at_once() {
	local n jobs=()
	start_one
	for n in $(seq 20); do
		expect_exit "$n" lvm exec "$ID" sh -c "exit $n" &
		jobs+=($!)
	done
	for n in "${jobs[@]}"; do
		local status=0
		wait "$n" || status=$?
		[ "$status" -eq 0 ]
	done
}

one_that_goes_on_ends_with_the_container() {
	local job
	start_one
	# Killed before it is the program it would be one that could not begin.
	lvm exec "$ID" sh -c 'echo up; exec sleep 1000' >"$T/up" &
	job=$!
	wait_for 5 grep -q up "$T/up"
	lvm delete --force "$ID"
	expect_exit 137 wait "$job"
}

a_blocked_reader_costs_nothing() {
	local job ticks
	start_one
	mkfifo "$T/blocked"
	exec 7<>"$T/blocked"
	"$RUNTIME" --root "$ROOT" exec "$ID" yes >&7 &
	job=$!
	wait_for 5 pgrep -x -P "$job" yes
	sleep 0.5
	ticks=$(awk '{print $14 + $15}' "/proc/$job/stat")
	sleep 1
	[ $(($(awk '{print $14 + $15}' "/proc/$job/stat") - ticks)) -lt 10 ]
	kill -9 "$job"
	lvm delete --force "$ID"
}

check 'the words after the id are the command' a_command_and_its_words
check 'the process file says all' a_process_file
check 'a bad process file is an error' a_bad_process_file_is_an_error
check 'detached, with a pid file' detached
check 'into a created container' into_a_created_one
check 'into a paused one only when asked, and then after resume' into_a_paused_one
check 'into groups below that of the container' into_groups_below
check 'its processes are in the group of the container' its_processes_are_in_the_group
check 'it is a session of its own, with its own descriptors' it_is_a_session_of_its_own
check 'its session keyring is new, but with --no-new-keyring the one of the caller' its_keyring_is_as_create_was_told
check 'a label that no module knows is refused' labels_are_refused_where_unknown
check 'a hostile container sees nothing of the host in it' a_hostile_container_sees_nothing_of_the_host
check 'many leave nothing behind' many_leave_nothing_behind
check 'many at once keep their statuses apart' many_at_once
check 'one that goes on ends with the container' one_that_goes_on_ends_with_the_container
check 'one whose reader is blocked costs no time' a_blocked_reader_costs_nothing
finish
