#!/usr/bin/env bash
# process.scheduler and process.ioPriority: what the kernel says of the program, and what is said when it refuses.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"

config() { # SCHEDULER [FILTER…]: in CONFIG
	local filter=. part
	for part in "${@:2}"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --argjson s "$1" ".process.scheduler = \$s | $filter" "$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }
start_one() { # sets ID and PID
	ID=$(new_id)
	lvm run -d -b "$BUNDLE" -f "$CONFIG" "$ID"
	PID=$(lvm state "$ID" | jq .pid)
}
# "POLICY PRIORITY NICE" as chrt and the kernel tell them.
seen() {
	local nice
	nice=$(awk '{print $19}' "/proc/$PID/stat")
	printf '%s %s\n' "$(LC_ALL=C chrt -p "$PID" | sed -n 's/.*: *//p' | sed -n '1p;2p' | xargs)" "$nice"
}
sees() { # EXPECTED SCHEDULER
	config "$2"
	start_one
	expect_equal "$1" "$(seen)"
	lvm delete --force "$ID"
}

policies_without_rights() {
	sees 'SCHED_OTHER 0 3' '{"policy": "SCHED_OTHER", "nice": 3}'
	sees 'SCHED_BATCH 0 7' '{"policy": "SCHED_BATCH", "nice": 7}'
	sees 'SCHED_IDLE 0 0' '{"policy": "SCHED_IDLE"}'
}

may_be_real_time() { chrt -f 1 true 2>/dev/null || skip 'this host gives no real-time policies'; }

real_time_policies() {
	may_be_real_time
	sees 'SCHED_FIFO 10 0' '{"policy": "SCHED_FIFO", "priority": 10}'
	sees 'SCHED_RR 99 0' '{"policy": "SCHED_RR", "priority": 99}'
	sees 'SCHED_OTHER 0 -5' '{"policy": "SCHED_OTHER", "nice": -5}'
	sees 'SCHED_FIFO|SCHED_RESET_ON_FORK 10 0' '{"policy": "SCHED_FIFO", "priority": 10, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}'
}

exec_has_it_too() {
	config '{"policy": "SCHED_BATCH", "nice": 4}'
	start_one
	expect_equal 'ok 3 4' "$(lvm exec "$ID" sh -c 'testkit sys sched_getscheduler 0; cut -d" " -f 19 /proc/self/stat' | xargs)"
}

deadline='{"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 5000000, "period": 10000000}'
may_have_deadlines() {
	chrt -d --sched-runtime 1000000 --sched-deadline 10000000 --sched-period 10000000 0 true 2>/dev/null ||
		skip 'this host gives no deadline policy'
}

deadlines() {
	may_have_deadlines
	config "$deadline"
	start_one
	LC_ALL=C chrt -p "$PID" >"$T/chrt"
	cat "$T/chrt"
	grep -q 'policy: SCHED_DEADLINE' "$T/chrt"
	grep -q 'parameters: 1000000/5000000/10000000' "$T/chrt"
	lvm delete --force "$ID"
	# A period of its own is that of the deadline.
	config '{"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 5000000, "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"]}'
	start_one
	LC_ALL=C chrt -p "$PID" >"$T/chrt"
	grep -q 'parameters: 1000000/5000000/5000000' "$T/chrt"
}

no_room_for_a_deadline() {
	local share
	may_have_deadlines
	# As much as the kernel admits, in slices of three quarters of a CPU.
	share="chrt -d --sched-runtime 7500000 --sched-deadline 10000000 --sched-period 10000000 0"
	decided() { has_ended "$!" || grep -qx sleep "/proc/$!/comm"; }
	for _ in $(seq 1 $(($(nproc --all) * 2))); do
		$share sleep 1000 &
		wait_for 5 decided
		! has_ended "$!" || break
	done
	config '{"policy": "SCHED_DEADLINE", "runtime": 9500000, "deadline": 10000000, "period": 10000000}'
	expect_error 'the CPUs cannot promise 9500000 ns of every 10000000 ns' run
	nothing_left
}

deadlines_that_do_not_fit() {
	refuse() { # ERROR MEMBERS
		config "{\"policy\": \"SCHED_DEADLINE\", $2}"
		expect_error "$1" run
	}
	refuse 'process.scheduler.runtime: is missing' '"deadline": 5'
	refuse 'process.scheduler.deadline: is missing' '"runtime": 5000'
	refuse 'process.scheduler.runtime: 1000 ns is less than the 1024 ns' '"runtime": 1000, "deadline": 5000'
	refuse 'process.scheduler.runtime: 9000 ns is more than the deadline (5000 ns)' '"runtime": 9000, "deadline": 5000'
	refuse 'process.scheduler.deadline: 9000 ns is more than the period (5000 ns)' '"runtime": 2000, "deadline": 9000, "period": 5000'
	may_have_deadlines
	# The shortest period that the kernel takes by default is 100 us.
	[ "$(cat /proc/sys/kernel/sched_deadline_period_min_us)" -ge 100 ] || return 0
	refuse 'is the period of 5000 ns within sysctl kernel.sched_deadline_period_min_us' '"runtime": 2000, "deadline": 5000'
}

what_does_not_go_together() {
	refuse() { # ERROR SCHEDULER
		config "$2"
		expect_error "$1" run
	}
	refuse 'process.scheduler.policy: expected one of' '{"policy": "SCHED_NONSENSE"}'
	refuse 'process.scheduler.policy: is missing' '{"nice": 1}'
	refuse 'process.scheduler.flags[0]: expected one of' '{"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_X"]}'
	refuse 'process.scheduler.priority' '{"policy": "SCHED_FIFO"}'
	refuse 'process.scheduler.priority' '{"policy": "SCHED_FIFO", "priority": 100}'
	refuse 'process.scheduler.priority' '{"policy": "SCHED_OTHER", "priority": 1}'
	refuse 'process.scheduler.nice' '{"policy": "SCHED_OTHER", "nice": 20}'
	refuse 'process.scheduler: runtime, deadline and period go only with SCHED_DEADLINE' '{"policy": "SCHED_OTHER", "runtime": 5}'
	refuse 'Linux has no SCHED_ISO' '{"policy": "SCHED_ISO"}'
	nothing_left
}

io_priorities() {
	io() { # EXPECTED CLASS PRIORITY
		config null ".process.ioPriority = {class: \"$2\", priority: $3} | .process.args = [\"testkit\", \"sys\", \"ioprio_get\", \"1\", \"0\"]"
		expect_output "ok $1" run
	}
	io $((2 << 13)) IOPRIO_CLASS_BE 0
	io $((2 << 13 | 7)) IOPRIO_CLASS_BE 7
	io $((3 << 13)) IOPRIO_CLASS_IDLE 0
	config null '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 3}'
	start_one
	expect_output "ok $((2 << 13 | 3))" lvm exec "$ID" testkit sys ioprio_get 1 0
	ionice -c 1 -n 4 true 2>/dev/null || return 0
	io $((1 << 13 | 4)) IOPRIO_CLASS_RT 4
}

check 'policies that need no right are seen' policies_without_rights
check 'real-time policies and their flags are seen' real_time_policies
check 'a process that joins has it too' exec_has_it_too
check 'deadlines are seen' deadlines
check 'a deadline for which the CPUs have no room is explained' no_room_for_a_deadline
check 'what is wrong with a deadline is named' deadlines_that_do_not_fit
check 'what does not go together is named' what_does_not_go_together
check 'every class and level of I/O priority is seen' io_priorities
finish
