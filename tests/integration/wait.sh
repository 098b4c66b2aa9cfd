#!/usr/bin/env bash
# wait: the exit status of a container that was made by create and start.
# not for the test machine: its kernel gives an exit status to the parent alone
. "$(dirname "$0")/../support/lib.sh"

new_bundle one '.process.args = ["sh", "-c", "cat /go >/dev/null; exit 7"]'
mkfifo "$BUNDLE/rootfs/go"

start_one() {
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null || { cat "$T/out"; return 1; }
	lvm start "$ID"
}

let_go() { : >"$BUNDLE/rootfs/go"; }

has_exit_info() {
	local major minor
	IFS=. read -r major minor _ < <(uname -r)
	[ "$major" -gt 6 ] || { [ "$major" -eq 6 ] && [ "${minor%%[!0-9]*}" -ge 15 ]; }
}

# Sets WAITER: a wait that waits already.
start_waiting() { # [OPTION…]
	"$RUNTIME" --root "$ROOT" wait "$@" "$ID" >"$T/status" 2>"$T/error" &
	WAITER=$!
	waits() { find "/proc/$WAITER/fd" -lname '*pidfd*' | grep .; }
	wait_for 20 waits
}

the_exit_status_is_printed_and_returned() {
	has_exit_info || skip 'this kernel tells an exit status to the parent alone (before 6.15)'
	start_one
	start_waiting
	let_go
	expect_exit 7 wait "$WAITER"
	expect_equal 7 "$(cat "$T/status")"
	wait_for 5 container_is "$ID" stopped
	lvm delete "$ID"
}

a_signal_counts_from_128() {
	has_exit_info || skip 'this kernel tells an exit status to the parent alone (before 6.15)'
	start_one
	start_waiting
	lvm kill "$ID" KILL
	expect_exit 137 wait "$WAITER"
	expect_equal 137 "$(cat "$T/status")"
	lvm delete --force "$ID"
}

a_container_that_waits_for_start_is_waited_for() {
	has_exit_info || skip 'this kernel tells an exit status to the parent alone (before 6.15)'
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null
	start_waiting
	lvm start "$ID"
	let_go
	expect_exit 7 wait "$WAITER"
	lvm delete --force "$ID"
}

the_time_limit_ends_the_waiting() {
	start_one
	expect_exit 124 lvm wait --timeout 100ms "$ID" >"$T/status" 2>"$T/error"
	expect_equal '' "$(cat "$T/status")"
	expect_contains 'it still runs' "$(cat "$T/error")"
	lvm delete --force "$ID"
}

# The reaper has taken the status before wait came.
a_lost_status_is_said() {
	start_one
	let_go
	local pid
	pid=$(jq .pid "$ROOT/$ID/record.json")
	lib_patience=1 wait_for 5 test ! -e "/proc/$pid" || skip "process 1 does not reap here"
	expect_exit 125 lvm wait "$ID" >"$T/status" 2>"$T/error"
	expect_equal '' "$(cat "$T/status")"
	expect_contains 'not known any more' "$(cat "$T/error")"
	lvm delete "$ID"
}

others_act_while_wait_waits() {
	start_one
	start_waiting --timeout 60s
	timeout 60 "$RUNTIME" --root "$ROOT" delete --force "$ID"
	expect_exit 137 wait "$WAITER" || expect_exit 125 wait "$WAITER"
}

mistakes_are_named() {
	expect_error "option --timeout: 'soon' is not a time" lvm wait --timeout soon nobody
	expect_error 'container does not exist' lvm wait nobody
}

check 'the exit status is printed and is that of wait' the_exit_status_is_printed_and_returned
check 'the end by a signal is 128 and its number' a_signal_counts_from_128
check 'a container that was only created is waited for too' a_container_that_waits_for_start_is_waited_for
check 'the time limit ends the waiting with 124' the_time_limit_ends_the_waiting
check 'a status that is lost is said, with 125' a_lost_status_is_said
check 'others act on the container while wait waits' others_act_while_wait_waits
check 'mistakes are named' mistakes_are_named
finish
