#!/usr/bin/env bash
# stats: what containers use, as a table, as JSON and for Prometheus.
. "$(dirname "$0")/../support/lib.sh"

start_container() {
	new_bundle "$1" "${@:2}"
	ID=$(new_id)
	lvm run --detach -b "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null || { cat "$T/out"; return 1; }
}

start_container busy '.process.args = ["sh", "-c", "while :; do :; done"]'
BUSY=$ID
start_container idle '.process.args = ["sleep", "1000"]'
IDLE=$ID

the_table_has_a_row_for_each_that_runs() {
	lvm stats --no-stream >"$T/table"
	expect_equal 3 "$(wc -l <"$T/table")"
	expect_contains 'WAITED CPU/MEM/IO' "$(head -n 1 "$T/table")"
	grep -q "^$BUSY " "$T/table"
	grep -q "^$IDLE " "$T/table"
	lvm stats --no-stream "$IDLE" >"$T/table"
	expect_equal 2 "$(wc -l <"$T/table")"
}

the_share_of_the_cpu_is_measured() {
	lvm stats --no-stream --format json "$IDLE" "$BUSY" >"$T/json"
	expect_equal 1 "$(wc -l <"$T/json")"
	jq -e --arg idle "$IDLE" --arg busy "$BUSY" '.[0].id == $idle and .[1].id == $busy and
		.[0].cpu_percent < 5 and .[1].cpu_percent > 5 and .[1].cpu_percent < 120' "$T/json"
	jq -e '.[1].data.cpu.usage.user > 0' "$T/json"
}

# What comes between the look at the CPU and the end of a look is no time that the container has used.
a_look_that_lasts_does_not_count() {
	command -v strace >/dev/null || skip 'no strace'
	ASAN_OPTIONS=detect_leaks=0 strace -qq -e signal=none -o "$T/trace" -e trace=openat -P cpu.pressure \
		-e inject=openat:delay_enter=2000000:when=1 "$RUNTIME" --root "$ROOT" stats --no-stream --format json "$BUSY" >"$T/json"
	cat "$T/trace"
	grep -q 'cpu.pressure.*DELAYED' "$T/trace"
	jq -e '.[0].cpu_percent > 5 and .[0].cpu_percent < 120' "$T/json"
}

prometheus_reads_it() {
	local one two
	lvm stats --no-stream -f prometheus >"$T/text"
	expect_equal "$(grep -c '^# TYPE' "$T/text")" "$(grep '^# TYPE' "$T/text" | sort -u | wc -l)"
	# Not one line of another form.
	expect_exit 1 grep -Ev '^(# (HELP|TYPE) lvm_run_[a-z_]+ .+|lvm_run_[a-z_]+\{id="[^"]+"[^}]*\} ([0-9.]+|\+Inf))$' "$T/text"
	one=$(sed -n "s/^lvm_run_cpu_seconds_total{id=\"$BUSY\"} //p" "$T/text")
	sleep 0.3
	two=$(lvm stats --no-stream -f prometheus | sed -n "s/^lvm_run_cpu_seconds_total{id=\"$BUSY\"} //p")
	jq -en "$one > 0 and $two > $one"
}

it_goes_on_until_the_last_one_ends() {
	local watcher
	start_container ends '.process.args = ["sleep", "1000"]'
	lvm stats --interval 100ms --format json "$ID" >"$T/lines" &
	watcher=$!
	has_three() { [ "$(wc -l <"$T/lines")" -ge 3 ]; }
	wait_for 20 has_three
	lvm kill "$ID" KILL
	expect_exit 0 wait "$watcher"
	jq -e --arg id "$ID" '.[0].id == $id' "$T/lines" >/dev/null
	expect_error 'container not running' lvm stats "$ID"
	lvm delete "$ID"
}

memory_is_in_the_table() {
	grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null ||
		skip 'the memory controller is not in cgroup v2 here'
	lvm stats --no-stream "$IDLE" | grep -q 'iB / '
}

mistakes_are_named() {
	expect_error 'nobody: container does not exist' lvm stats "$IDLE" nobody
	expect_error 'is none of table|json|prometheus' lvm stats --format xml
	expect_error 'it must be more than 0' lvm stats --interval 0s
}

nothing_runs_nothing_is_shown() {
	mkdir "$T/empty"
	expect_equal 1 "$("$RUNTIME" --root "$T/empty" stats --no-stream | wc -l)"
	expect_output '[]' "$RUNTIME" --root "$T/empty" stats --no-stream --format json
	expect_output '' "$RUNTIME" --root "$T/empty" stats --no-stream --format prometheus
	expect_output '' "$RUNTIME" --root "$T/empty" stats
}

check 'the table has a row for each container that runs' the_table_has_a_row_for_each_that_runs
check 'the share of the CPU is measured' the_share_of_the_cpu_is_measured
check 'a look that lasts does not make the share larger' a_look_that_lasts_does_not_count
check 'Prometheus can read it' prometheus_reads_it
check 'it goes on until the last container ends' it_goes_on_until_the_last_one_ends
check 'memory is in the table' memory_is_in_the_table
check 'mistakes are named' mistakes_are_named
check 'where nothing runs nothing is shown' nothing_runs_nothing_is_shown
finish
