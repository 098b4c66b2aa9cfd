#!/usr/bin/env bash
# sandbox: which system calls are made and denied (--audit), profiles of one's own (--seccomp) and learned ones (--learn).
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/hostile.sh
. "$(dirname "$0")/../support/hostile.sh"

sandbox() { timeout 120 "$RUNTIME" --root "$ROOT" sandbox "$@"; }
report() { jq -r "$1" "$T/report"; }
native() { [ "$(uname -m)" = x86_64 ] || skip 'only x86-64 has these architectures'; }
# The names that a profile allows, with and without conditions.
allowed() { jq -r '.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]' "$1" | sort -u; }

# The same answers with somebody who counts and without.
denials_are_listed() {
	sandbox -- ./hostile calls >"$T/plain"
	sandbox --audit --report "$T/report" -- ./hostile calls >"$T/audited"
	cat "$T/plain"
	expect_equal "$(cat "$T/plain")" "$(cat "$T/audited")"
	expect_equal 'true 0' "$(report '"\(.deniedCalls.complete) \(.deniedCalls.killed)"')"
	# One of these is in the list as often as it was tried, with its number, its error and who did it.
	expect_equal 'ptrace 1 1 hostile' "$(report '.deniedCalls.calls[] | select(.name == "ptrace") | "\(.name) \(.errno) \(.count) \(.programs[0])"')"
	expect_equal '999 38 1' "$(report '.deniedCalls.calls[] | select(.number == 999) | "\(.number) \(.errno) \(.count)"')"
	expect_equal '38' "$(report '.deniedCalls.calls[] | select(.name == "io_uring_setup") | .errno')"
	expect_equal 3 "$(report '.deniedCalls.calls[] | select(.name == "ioctl") | .count')"
	expect_equal "$(report .deniedCalls.total)" "$(report '[.deniedCalls.calls[].count] | add')"
	[ "$(report .deniedCalls.total)" -ge 25 ]
}

nothing_denied_nothing_listed() {
	sandbox --audit --report "$T/report" -- ./hostile exit
	expect_equal '0 0 ok' "$(report '"\(.deniedCalls.total) \(.deniedCalls.calls | length) \(.cause)"')"
	sandbox --report "$T/report" -- ./hostile exit
	expect_equal null "$(report .deniedCalls)"
	expect_exit 125 sandbox --audit -- true
}

# From several programs at a time, more than is told apart of each.
floods_are_counted() {
	sandbox --audit --report "$T/report" -- sh -c 'for i in 1 2 3 4; do ./hostile denied 3000 & done; wait'
	expect_equal 12000 "$(report '.deniedCalls.calls[] | select(.name == "ptrace") | .count')"
	expect_equal ok "$(report .cause)"
}

foreign_calls_end_the_command() {
	local kind
	native
	for kind in i386 x32; do
		expect_exit 159 sandbox --report "$T/report" -- ./hostile foreign "$kind"
		expect_equal 'seccomp 31' "$(report '"\(.cause) \(.signal)"')"
		expect_exit 159 sandbox --audit --report "$T/report" -- ./hostile foreign "$kind"
		expect_equal 'seccomp 31 1' "$(report '"\(.cause) \(.signal) \(.deniedCalls.killed)"')"
		expect_equal 'getpid true' "$(report '.deniedCalls.calls[0] | "\(.name) \(.killed)"')"
		# Not even while it is learned what is needed.
		expect_exit 159 sandbox --learn "$T/learned" -- ./hostile foreign "$kind"
	done
}

# The command's own exit status, but it failed because of a child that the filter ended.
children_that_are_ended_are_the_cause() {
	native
	expect_exit 3 sandbox --audit --report "$T/report" -- sh -c './hostile foreign i386; exit 3'
	expect_equal 'seccomp 3' "$(report '"\(.cause) \(.exit)"')"
	expect_exit 0 sandbox --audit --report "$T/report" -- sh -c './hostile foreign i386; exit 0'
	expect_equal 'ok 1' "$(report '"\(.cause) \(.deniedCalls.killed)"')"
}

# The signal alone does not make it the filter's.
a_signal_of_that_number_is_a_signal() {
	expect_exit 159 sandbox --audit --report "$T/report" -- sh -c 'kill -SYS $$'
	expect_equal 'signal 31' "$(report '"\(.cause) \(.signal)"')"
}

# With its parent or alone, threads, vfork, what execve of the command itself needs.
learned_profiles_run_the_same() {
	sandbox --learn "$T/learned" -- ./hostile threads
	local name
	for name in execve vfork wait4 exit_group mmap; do
		allowed "$T/learned" | grep -qx "$name" || { echo "$name was not learned"; return 1; }
	done
	expect_output 'done' sandbox --seccomp "$T/learned" -- ./hostile threads
	# Less than the built-in profile: these were never made.
	[ "$(allowed "$T/learned" | wc -l)" -lt 60 ]
	for name in symlink mkdirat socket chmod ptrace; do
		allowed "$T/learned" | grep -qx "$name" && { echo "$name was learned"; return 1; }
	done
	# What is refused is what it always was, or not there at all.
	sandbox --learn "$T/learned" -- sh -c 'cat /dev/null; :'
	expect_exit 1 sandbox --seccomp "$T/learned" --audit --report "$T/report" -- sh -c 'mkdir new || exit 1'
	expect_equal 'exit' "$(report .cause)"
	[ "$(report .deniedCalls.total)" -ge 1 ]
}

learned_profiles_are_sections_of_a_configuration() {
	sandbox --learn "$T/learned" -- ./hostile threads
	new_bundle own '.process.args = ["/hostile", "threads"]'
	cp hostile "$BUNDLE/rootfs/hostile"
	edit_config --slurpfile s "$T/learned" '.linux.seccomp = $s[0] | .process.noNewPrivileges = true'
	lvm validate "$BUNDLE"
	expect_output 'done' lvm run -b "$BUNDLE" "$(new_id)"
	edit_config '.process.args = ["/bin/mkdir", "/tmp/new"]'
	expect_exit 1 lvm run -b "$BUNDLE" "$(new_id)"
	# And it is in what is printed.
	sandbox --seccomp "$T/learned" --print-config -- true >"$T/config"
	expect_equal "$(jq -S . "$T/learned")" "$(jq -S .linux.seccomp "$T/config")"
}

audited_while_it_is_learned() {
	sandbox --learn "$T/learned" --audit --report "$T/report" -- ./hostile calls >"$T/answers"
	expect_equal EPERM "$(sed -n 's/^ptrace //p' "$T/answers")"
	expect_equal 1 "$(report '.deniedCalls.calls[] | select(.name == "ptrace") | .count')"
	allowed "$T/learned" | grep -qx personality
	! allowed "$T/learned" | grep -qx ptrace
}

profiles_of_ones_own() {
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' >"$T/profile"
	expect_error 'No space left on device' sandbox --seccomp "$T/profile" -- mkdir new
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}' >"$T/profile"
	expect_exit 159 sandbox --seccomp "$T/profile" --report "$T/report" -- mkdir new
	expect_equal "seccomp $T/profile" "$(report '"\(.cause) \(.protections.seccomp)"')"
	echo '{"defaultAction": "SCMP_ACT_NONSENSE"}' >"$T/profile"
	expect_error defaultAction sandbox --seccomp "$T/profile" -- true
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}' >"$T/profile"
	expect_error 'listener of its own' sandbox --seccomp "$T/profile" --audit --report "$T/report" -- true
	expect_exit 125 sandbox --seccomp "$T/nothing-here" -- true
}

# The kernel allows one listener; that is said.
one_auditor_at_a_time() {
	cp "$RUNTIME" lvm-run
	expect_exit 125 sandbox --allow-userns --audit --report "$T/report" -- \
		sh -c 'ASAN_OPTIONS=detect_leaks=0 ./lvm-run --root /tmp/state sandbox --audit --report r -- true' 2>"$T/error"
	cat "$T/error"
	grep -q 'kernel allows one' "$T/error"
}

auditor_of() {
	local child children
	read -ra children <"/proc/$1/task/$1/children" || : # no end of line
	for child in "${children[@]}"; do
		# Init is in a pid namespace of its own.
		[ "$(readlink "/proc/$child/ns/pid")" != "$(readlink /proc/self/ns/pid)" ] || { echo "$child"; return 0; }
	done
	return 1
}

# He who counts is killed: no profile is made of half the truth, and the calls are refused, not let through.
half_the_truth_is_no_profile() {
	local status=0 pid
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" --learn "$T/half" -- sh -c 'echo x >started; while sleep 0.02; do :; done' 2>/dev/null &
	pid=$!
	wait_for 20 test -s started
	kill -9 "$(auditor_of "$pid")"
	wait "$pid" || status=$?
	[ "$status" -ne 0 ]
	[ ! -e "$T/half" ]
}

for_users() {
	command -v setpriv >/dev/null || skip 'setpriv is not there'
	local home=$T/user
	mkdir "$home" "$T/run"
	cp "$RUNTIME" "$T/lvm-run"
	cp hostile "$home/hostile"
	chown -R 65534:65534 "$home" "$T/run"
	user() { setpriv --reuid 65534 --regid 65534 --clear-groups env -C "$home" HOME="$home" XDG_RUNTIME_DIR="$T/run" "$@"; }
	user unshare -Urm true 2>/dev/null || skip 'users may not make user namespaces here'
	expect_output 'done' user "$T/lvm-run" sandbox --audit --report r --learn p -- ./hostile threads
	expect_output 'done' user "$T/lvm-run" sandbox --seccomp p -- ./hostile threads
	user "$T/lvm-run" sandbox --audit --report r -- ./hostile denied 5
	expect_equal '5 hostile' "$(jq -r '.deniedCalls.calls[] | select(.name == "ptrace") | "\(.count) \(.programs[0])"' "$home/r")"
}

check 'denied calls are listed, and answered as ever' denials_are_listed
check 'without denials the list is empty, and without --audit there is none' nothing_denied_nothing_listed
check 'floods of denied calls are counted' floods_are_counted
check 'calls of other architectures end the command, and that is the cause' foreign_calls_end_the_command
check 'a child that the filter ended is the cause of a failure' children_that_are_ended_are_the_cause
check 'a signal that somebody sent is no filter' a_signal_of_that_number_is_a_signal
check 'what was learned runs again, and nothing else' learned_profiles_run_the_same
check 'a learned profile is a section of config.json' learned_profiles_are_sections_of_a_configuration
check 'denials are counted while it is learned' audited_while_it_is_learned
check 'a profile of one'"'"'s own replaces the built-in one' profiles_of_ones_own
check 'an audited sandbox in an audited one is refused' one_auditor_at_a_time
check 'without the auditor nothing is learned' half_the_truth_is_no_profile
check 'users audit and learn too' for_users
check 'nothing is left' nothing_left
finish
