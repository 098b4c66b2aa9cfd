#!/usr/bin/env bash
# NOTIFY_SOCKET: what the program tells its service manager, by way of lvm-run.
# not for the test machine: nothing of it is missing on another machine
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

[ "$(id -u)" -eq 0 ] || skip 'needs root (the default bundle)'

# notifying NAME SCRIPT [FILTER…]: a bundle whose program can call `testkit notify`.
notifying() {
	new_bundle "$1" "${@:3}"
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	edit_config --arg s "$2" '.process.args = ["sh", "-c", $s]'
	ID=$(new_id)
}

# hears COMMAND…: with a service manager that listens; what it heard is in $T/heard.
listens() {
	"$TESTKIT" notified "$T/manager" >"$T/heard" &
	LISTENER=$!
	wait_for 5 test -S "$T/manager"
	export NOTIFY_SOCKET=$T/manager
}
heard() { wait_for 5 grep -qx "$1" "$T/heard" || { cat "$T/heard"; return 1; }; }
ends() {
	kill "$LISTENER" 2>/dev/null || :
	rm -f "$T/manager"
	unset NOTIFY_SOCKET
}

start_waits_and_names_the_process() {
	notifying split 'testkit notify STATUS=loading; sleep 1; testkit notify READY=1 MAINPID=1 FDSTORE=1; sleep 1000'
	listens
	lvm create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	expect_equal '' "$(cat "$T/heard")"
	lvm start "$ID"
	heard 'STATUS=loading'
	heard "READY=1 MAINPID=$(lvm state "$ID" | jq .pid)"
	ends
	lvm delete --force "$ID"
	nothing_left
}

run_detached_waits_too() {
	notifying detached 'sleep 0.5; testkit notify READY=1; sleep 1000'
	listens
	lvm run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	heard "READY=1 MAINPID=$(lvm state "$ID" | jq .pid)"
	ends
	lvm delete --force "$ID"
}

run_passes_everything_on() {
	notifying foreground 'testkit notify READY=1; testkit notify WATCHDOG=1; testkit notify STATUS=fine X=y; testkit notify STOPPING=1'
	listens
	lvm run -b "$BUNDLE" "$ID"
	wait "$LISTENER"
	expect_equal "$(printf '%s\n' READY=1 WATCHDOG=1 STATUS=fine STOPPING=1)" "$(cat "$T/heard")"
	ends
	nothing_left
}

any_user_in_the_container_may_tell() {
	notifying user 'testkit notify READY=1; sleep 1000' '.process.user = {"uid": 1234, "gid": 1234}' '.process.capabilities = {}'
	listens
	lvm run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	heard "READY=1 MAINPID=$(lvm state "$ID" | jq .pid)"
	ends
	lvm delete --force "$ID"
}

a_program_that_ends_first_ends_the_wait() {
	notifying silent 'exit 3'
	listens
	timeout 60 "$RUNTIME" --root "$ROOT" create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	timeout 60 "$RUNTIME" --root "$ROOT" start "$ID"
	expect_equal '' "$(cat "$T/heard")"
	ends
	lvm delete "$ID"
	nothing_left
}

the_container_can_put_nothing_else_there() {
	notifying closed 'echo "$NOTIFY_SOCKET"; touch /run/notify/x; rm /run/notify/notify.sock; testkit notify STOPPING=1'
	listens
	lvm run -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err"
	expect_equal /run/notify/notify.sock "$(cat "$T/out")"
	expect_equal 2 "$(grep -c 'Read-only file system' "$T/err")"
	heard STOPPING=1
	ends
}

# The last word and the end come together, in any order.
the_last_word_harms_nothing() {
	local i
	notifying last 'testkit notify STATUS=last; exit 5'
	listens
	for i in $(seq 20); do expect_exit 5 lvm run -b "$BUNDLE" "$ID-$i"; done
	heard_all() { [ "$(grep -cx STATUS=last "$T/heard")" -eq 20 ]; }
	wait_for 20 heard_all
	ends
	nothing_left
}

without_the_variable_nothing_is_there() {
	notifying none 'echo "${NOTIFY_SOCKET-none}"; ls /run/notify 2>/dev/null'
	expect_equal none "$(lvm run -b "$BUNDLE" "$ID" || :)"
}

check 'start waits for READY=1 and passes it on with the process' start_waits_and_names_the_process
check 'run --detach does too' run_detached_waits_too
check 'run passes on what is known, and nothing else' run_passes_everything_on
check 'any user of the container may tell' any_user_in_the_container_may_tell
check 'a program that ends first ends the wait' a_program_that_ends_first_ends_the_wait
check 'the container can put nothing else there' the_container_can_put_nothing_else_there
check 'a last word that comes with the end harms nothing' the_last_word_harms_nothing
check 'without the variable nothing of it is there' without_the_variable_nothing_is_there
finish
