#!/usr/bin/env bash
# What the program is given: ids, groups, mask, limits, capabilities, environment, scheduling.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' '.process.noNewPrivileges = false' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"

config() { # SCRIPT FILTER…: in CONFIG
	local filter=. part
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	for part in "${@:2}"; do filter="$filter | $part"; done
	jq --arg s "$1" "$filter | if \$s == \"\" then . else .process.args = [\"sh\", \"-c\", \$s] end" \
		"$BUNDLE/config.json" >"$CONFIG"
}

run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

start_one() { # [FILTER…]: sets ID
	config '' "$@"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
}

# The five sets as /proc/PID/status says them, Inh Prm Eff Bnd Amb.
sets() { awk '/^Cap/ {print $2}' | sed 's/^0*//; s/^$/0/' | xargs; }

has_cap() { # NUMBER: is it ours to give?
	[ $((0x$(awk '/^CapEff/ {print $2}' /proc/self/status) >> $1 & 1)) -eq 1 ]
}

the_user_and_groups() {
	config 'id -u; id -g; id -G' '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [50, 60, 4294967294]}'
	expect_equal '1000 1001 1001 50 60 4294967294' "$(run | xargs)"
	config 'id -G'
	expect_output 0 run
	config 'grep -E "^(Uid|Gid|Groups)" /proc/self/status' '.process.user = {"uid": 7, "gid": 8, "additionalGids": [9]}'
	expect_equal 'Uid: 7 7 7 7 Gid: 8 8 8 8 Groups: 9' "$(run | xargs)"
}

the_mask() {
	config 'umask; touch /tmp/m; stat -c %a /tmp/m' '.process.user.umask = 63' '.mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]'
	expect_equal '0077 600' "$(run | xargs)"
	config umask '.process.user.umask = 0'
	expect_output 0000 run
	config umask
	expect_output 0022 run
	start_one '.process.user.umask = 23'
	expect_output 0027 lvm exec "$ID" umask 2>/dev/null || expect_output 0027 lvm exec "$ID" sh -c umask
}

lower_limits() {
	config 'grep -E "Max (open files|core file size|cpu time|stack size|locked memory)" /proc/self/limits' '.process.rlimits = [
		{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
		{"type": "RLIMIT_CPU", "soft": 30, "hard": 60}, {"type": "RLIMIT_STACK", "soft": 1048576, "hard": 2097152},
		{"type": "RLIMIT_MEMLOCK", "soft": 4096, "hard": 4096}]'
	run >"$T/limits"
	cat "$T/limits"
	grep -qE 'open files +100 +200' "$T/limits"
	grep -qE 'core file size +0 +0' "$T/limits"
	grep -qE 'cpu time +30 +60' "$T/limits"
	grep -qE 'stack size +1048576 +2097152' "$T/limits"
	grep -qE 'locked memory +4096 +4096' "$T/limits"
	start_one '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}]'
	lvm exec "$ID" sh -c 'ulimit -n; ulimit -Hn' >"$T/limits"
	expect_equal '50 60' "$(xargs <"$T/limits")"
}

raised_limits() {
	local hard
	hard=$(ulimit -Hn)
	config 'ulimit -Hn' ".process.rlimits = [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 100, \"hard\": $((hard + 1))}]"
	if ! has_cap 24; then
		expect_error RLIMIT_NOFILE run
		skip 'this machine gives no CAP_SYS_RESOURCE'
	fi
	expect_output $((hard + 1)) run
}

wrong_limits() {
	config true '.process.rlimits = [{"type": "RLIMIT_NONSENSE", "soft": 1, "hard": 1}]'
	expect_error RLIMIT_NONSENSE run
	config true '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}]'
	expect_error RLIMIT_CORE run
	config true '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 20, "hard": 10}]'
	expect_error rlimits run
}

the_five_sets() {
	config 'cat /proc/self/status' '.process.capabilities = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
		"permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}' \
		'.process.user.uid = 1000'
	# CAP_CHOWN 0, CAP_KILL 5, CAP_NET_RAW 13. A program without file capabilities gets the ambient ones.
	expect_equal '20 20 20 2021 20' "$(run | sets)"
	config 'cat /proc/self/status' '.process.capabilities = {"bounding": ["CAP_CHOWN", "CAP_KILL"],
		"permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"]}'
	expect_equal '0 21 21 21 0' "$(run | sets)"
	config 'cat /proc/self/status' '.process.capabilities = {}'
	expect_equal '0 0 0 0 0' "$(run | sets)"
	config 'cat /proc/self/status' 'del(.process.capabilities)'
	run | sets
	config 'cat /proc/self/status' '.process.capabilities = {"bounding": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"]}' \
		'.process.user.uid = 1000'
	expect_equal '0 0 0 1 0' "$(run | sets)"
}

names_of_capabilities() {
	config 'cat /proc/self/status' '.process.capabilities.bounding = ["CAP_KILL", "CAP_NONSENSE"]'
	expect_equal 20 "$(run 2>"$T/err" | awk '/^CapBnd/ {print $2}' | sed 's/^0*//')"
	expect_contains 'unknown capability CAP_NONSENSE' "$(cat "$T/err")"
}

what_cannot_be_granted() {
	has_cap 24 && skip_none=1 || skip_none=0
	config 'cat /proc/self/status' '.process.capabilities[] += ["CAP_SYS_RESOURCE"]'
	if [ "$skip_none" -eq 1 ]; then
		[ $((0x$(run | awk '/^CapBnd/ {print $2}') >> 24 & 1)) -eq 1 ]
	else
		# A capability that cannot be granted is a warning, the program runs without it.
		[ $((0x$(run | awk '/^CapEff/ {print $2}') >> 24 & 1)) -eq 0 ]
	fi
}

exec_adds_none_that_files_pass_on() {
	start_one '.process.capabilities = {"bounding": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"]}'
	expect_equal '0 1 1 1 0' "$(lvm exec "$ID" cat /proc/self/status | sets)"
	expect_equal '0 2001 2001 2001 0' "$(lvm exec --cap CAP_NET_RAW "$ID" cat /proc/self/status | sets)"
	expect_equal '0 2021 2021 2021 0' "$(lvm exec -c CAP_NET_RAW -c CAP_KILL "$ID" cat /proc/self/status | sets)"
	expect_error CAP_X lvm exec --cap CAP_X "$ID" true
}

no_new_privileges() {
	config 'grep NoNewPrivs /proc/self/status' '.process.noNewPrivileges = true'
	expect_equal 'NoNewPrivs: 1' "$(run | xargs)"
	config 'grep NoNewPrivs /proc/self/status'
	expect_equal 'NoNewPrivs: 0' "$(run | xargs)"
	start_one
	expect_equal 'NoNewPrivs: 0' "$(lvm exec "$ID" grep NoNewPrivs /proc/self/status | xargs)"
	expect_equal 'NoNewPrivs: 1' "$(lvm exec --no-new-privs "$ID" grep NoNewPrivs /proc/self/status | xargs)"
}

the_oom_score() {
	local own
	own=$(cat /proc/self/oom_score_adj)
	config 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 500'
	expect_output 500 run
	config 'cat /proc/self/oom_score_adj'
	expect_output "$own" run
	config true '.process.oomScoreAdj = 5000'
	expect_error oomScoreAdj run
	start_one '.process.oomScoreAdj = 600'
	expect_output 600 lvm exec "$ID" cat /proc/self/oom_score_adj
}

the_environment_and_nothing_else() {
	config '' '.process.args = ["env"] | .process.env = ["A=1", "B=two words", "HOME=/h", "EMPTY="]'
	expect_equal $'A=1\nB=two words\nEMPTY=\nHOME=/h' "$(SECRET=x run | sort)"
	start_one '.process.env = ["PATH=/bin", "A=1", "HOME=/h"]'
	expect_equal $'A=2\nB=3\nHOME=/h\nPATH=/bin' "$(SECRET=x lvm exec -e A=2 --env B=3 "$ID" env | sort)"
	expect_error 'NAME=VALUE' lvm exec -e NOVALUE "$ID" env
}

the_personality() {
	config 'uname -m; testkit sys personality 0xffffffff' '.linux.personality = {"domain": "LINUX32"}'
	[ "$(uname -m)" = x86_64 ] || skip 'LINUX32 is known for x86-64 here'
	expect_equal 'i686 ok 8' "$(run | xargs)"
	config 'testkit sys personality 0xffffffff' '.linux.personality = {"domain": "LINUX"}'
	expect_output 'ok 0' run
	config true '.linux.personality = {"domain": "BSD"}'
	expect_error personality run
}

the_io_priority_and_scheduler() {
	# Class 2 (best effort) in the upper bits, level 6.
	config 'testkit sys ioprio_get 1 0' '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}'
	expect_output "ok $((2 << 13 | 6))" run
	config 'testkit sys ioprio_get 1 0' '.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE"}'
	expect_output "ok $((3 << 13))" run
	config 'testkit sys sched_getscheduler 0; cut -d" " -f 19 /proc/self/stat' '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}'
	expect_equal 'ok 3 5' "$(run | xargs)"
	config 'testkit sys sched_getscheduler 0' '.process.scheduler = {"policy": "SCHED_IDLE"}'
	expect_output 'ok 5' run
	config true '.process.scheduler = {"policy": "SCHED_NONSENSE"}'
	expect_error scheduler run
	config true '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 9}'
	expect_error ioPriority run
}

user_strings_of_exec() {
	local user
	start_one
	expect_equal '1:0' "$(lvm exec -u 1 "$ID" sh -c 'echo $(id -u):$(id -g)')"
	expect_equal '1:2' "$(lvm exec --user 1:2 "$ID" sh -c 'echo $(id -u):$(id -g)')"
	expect_equal '4294967294' "$(lvm exec -u 4294967294 "$ID" id -u)"
	for user in '1:' ':1' 0x0 +0 ' 0' '0 ' '' 4294967295 4294967296 -1 1:1:1 root 1.0 1:-1 1:4294967295 99999999999999999999; do
		expect_exit 255 lvm exec --user="$user" "$ID" id -u 2>"$T/err"
		expect_contains '--user' "$(cat "$T/err")"
	done
	expect_equal 0 "$(lvm exec -u 00 "$ID" id -u || echo 0)"
}

names_in_passwd_do_not_matter() {
	new_bundle names '.process.args = ["sleep", "1000"]'
	echo '4294967296:x:0:0::/root:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
	start_one
	expect_exit 255 lvm exec -u 4294967296 "$ID" id -u 2>/dev/null
}

additional_groups_of_exec() {
	start_one '.process.user.additionalGids = [50]'
	expect_equal '0 50 60 70' "$(lvm exec -g 60 --additional-gids 70 "$ID" id -G)"
	expect_equal '0 50 60 70' "$(lvm exec -g 60,70 "$ID" id -G)"
	expect_error '--additional-gids' lvm exec -g staff "$ID" id -G
	expect_error '--additional-gids' lvm exec -g -1 "$ID" id -G
}

annotations_are_in_the_state() {
	start_one '.annotations = {"org.example.a": "1", "quote\"": "line\nbreak", "ä": "ö"}'
	lvm state "$ID" | jq -e '.annotations == {"org.example.a": "1", "quote\"": "line\nbreak", "ä": "ö"}'
}

arguments_arrive_unchanged() {
	config '' '.process.args = ["printf", "<%s>", "", "two words", "$HOME", "*", "ä\n\t\"", "-x"]'
	expect_equal $'<><two words><$HOME><*><ä\n\t"><-x>' "$(run)"
	start_one
	expect_equal '<a b><--><-t>' "$(lvm exec "$ID" printf '<%s>' 'a b' -- -t)"
}

unknown_properties_are_ignored() {
	config 'echo ran' '.unknown = {"a": [1]} | .process.unknown = 1 | .linux.unknown = "x" | .process.user.unknown = 1'
	expect_output ran run
}

the_session_is_new() {
	config 'cut -d" " -f 5,6 /proc/self/stat'
	run >/dev/null
	start_one
	expect_equal '1 1' "$(lvm exec "$ID" cut -d' ' -f 5,6 /proc/1/stat)"
	# Its standard streams aside nothing is shared with the caller: no signal state either.
	config '' '.process.args = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]'
	expect_equal 'SigBlk: 0000000000000000 SigIgn: 0000000000000000' "$(trap '' USR1 PIPE; run | xargs)"
}

check 'user, group and additional groups' the_user_and_groups
check 'the mask' the_mask
check 'lower limits are set, for exec too' lower_limits
check 'raised limits are set where we may' raised_limits
check 'unknown, double and impossible limits are errors' wrong_limits
check 'all five capability sets are as configured' the_five_sets
check 'an unknown capability is a warning and not granted' names_of_capabilities
check 'a capability that cannot be granted does not stop the program' what_cannot_be_granted
check 'exec --cap adds none that files could pass on' exec_adds_none_that_files_pass_on
check 'no new privileges' no_new_privileges
check 'the oom score' the_oom_score
check 'the environment is that of the configuration and nothing else' the_environment_and_nothing_else
check 'the personality' the_personality
check 'I/O priority and scheduler' the_io_priority_and_scheduler
check 'exec --user takes exact numbers and nothing else' user_strings_of_exec
check 'names in the passwd file do not turn numbers into others' names_in_passwd_do_not_matter
check 'exec adds groups' additional_groups_of_exec
check 'annotations are in the state' annotations_are_in_the_state
check 'arguments arrive unchanged' arguments_arrive_unchanged
check 'unknown properties are ignored' unknown_properties_are_ignored
check 'session and signals are fresh' the_session_is_new
finish
