#!/usr/bin/env bash
# sandbox: what a hostile command tries harms nothing and is named rightly.
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/hostile.sh
. "$(dirname "$0")/../support/hostile.sh"
# Under a name that no process of another test has.
OURS=h-${T##*.}
cp hostile "$OURS"
none_of_ours() { expect_exit 1 pgrep -x "$OURS"; }

sandbox() { timeout 60 "$RUNTIME" --root "$ROOT" sandbox --report "$T/report" "$@"; }
cause_is() { expect_equal "$1" "$(jq -r .cause "$T/report")"; }
answer() { sed -n "s/^$1 //p" "$T/answers"; }

# The host enforces this limit at all; else the case has its place in the test machine.
needs_limit() {
	sandbox "$@" -- true 2>"$T/why" || skip "this host cannot enforce $1: $(sed -n 1p "$T/why" | cut -c1-80)"
}

calls_are_refused() {
	sandbox -- ./hostile calls >"$T/answers"
	local name
	for name in tiocsti tiocsti-high tioclinux chmod-setuid fchmod-setgid fchmodat-setuid open-setuid unshare-user \
		clone-user clone-net ptrace process-vm-readv keyctl bpf perf userfaultfd mount fsopen setns \
		personality-odd socket-alg socket-vsock socket-packet socket-audit mknod-device; do
		[ "$(answer "$name")" = EPERM ] || { echo "$name: $(answer "$name"), expected EPERM"; return 1; }
	done
	# libseccomp may know the last one or not.
	[ "$(answer fchmodat2-setuid)" != ok ]
	for name in io-uring unknown; do expect_equal ENOSYS "$(answer "$name")"; done
	for name in chmod clone personality socket-unix socket-inet; do expect_equal ok "$(answer "$name")"; done
}

terminal_gets_no_input() {
	# The caller's terminal is inherited: what is pushed into it would be typed on the host afterwards.
	script -qec "$RUNTIME --root $ROOT sandbox -- ./hostile calls" /dev/null </dev/null >"$T/answers"
	tr -d '\r' <"$T/answers" >"$T/answers.plain" && mv "$T/answers.plain" "$T/answers"
	expect_equal EPERM "$(answer tiocsti)"
	expect_equal EPERM "$(answer tiocsti-high)"
}

fork_bomb() {
	needs_limit --pids 40
	expect_exit 1 sandbox --pids 40 -- ./hostile forks 400
	cause_is pids
}

fork_bomb_without_limit_ends() {
	expect_exit 124 sandbox -T 1 -t 0 -- sh -c "./$OURS forks 300; sleep 60"
	cause_is timeout
	none_of_ours
}

memory_bombs() {
	local kind
	needs_limit --memory 32M --swap 0
	for kind in anon memfd tmpfs sysv pipes sockets tables; do
		sandbox --memory 32M --swap 0 --disk 1G -- ./hostile memory "$kind" 400 2>/dev/null && { echo "$kind went through"; return 1; }
		[ "$(jq -r .cause "$T/report")" = oom ] || { echo "$kind: $(jq -r .cause "$T/report"), expected oom"; return 1; }
	done
}

disk_and_inodes() {
	expect_exit 1 sandbox --disk 8M -- sh -c 'head -c 20M /dev/zero >fill' 2>/dev/null
	cause_is disk
	expect_exit 1 sandbox --disk 4M -- sh -c 'mkdir many; exec ./hostile inodes many'
	cause_is disk
	expect_exit 1 sandbox --disk 8M -- sh -c 'head -c 20M /dev/zero >/dev/shm/fill' 2>/dev/null
	cause_is disk
	[ ! -e fill ] && [ ! -e many ]
}

log_flood() {
	expect_exit 137 sandbox --max-log 1M -- sh -c 'while :; do echo flood flood flood; done' >"$T/log"
	cause_is log
	[ "$(stat -c %s "$T/log")" -lt 2000000 ]
}

proc_games() {
	# Nothing of pid 1 or of the host's state can be read or written.
	expect_exit 0 sandbox -- sh -c '! cat /proc/1/environ /proc/1/maps 2>/dev/null | grep -q .'
	# Linux 6.12, other than 6.18, shows the numbers of its descriptors to its own user, and no more than these.
	expect_exit 0 sandbox -- sh -c '! readlink /proc/1/fd/0 /proc/1/fd/1 /proc/1/fd/3 /proc/1/root /proc/1/cwd 2>/dev/null | grep -q .'
	expect_exit 0 sandbox -- sh -c '! ls /proc/1/root/ 2>/dev/null | grep -q .'
	expect_exit 0 sandbox -- sh -c '! echo x 2>/dev/null >/proc/sysrq-trigger; [ "$(cat /proc/sys/kernel/hostname)" = sandbox ]'
	expect_exit 0 sandbox -- sh -c 'for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches; do ! sh -c "echo x >$f" 2>/dev/null || exit 1; done'
	expect_exit 0 sandbox -- sh -c '! kill -9 1 2>/dev/null || sleep 0.1; exit 0'
	expect_exit 0 sandbox -- sh -c '! cat /proc/kcore /proc/kallsyms 2>/dev/null | grep -q .'
}

# Not even while a socket of that name waits outside.
abstract_sockets() {
	./hostile listen "hostile-$$" >"$T/listener" &
	wait_for 5 grep -q listening "$T/listener"
	expect_output 'connect ECONNREFUSED' sandbox -- ./hostile connect "hostile-$$"
	expect_equal listening "$(cat "$T/listener")"
}

descriptors() {
	# shellcheck disable=SC2012 # the list of descriptors, as it is
	expect_output '0 1 2 3' sandbox -- sh -c 'ls /proc/self/fd | tr "\n" " " | sed "s/ $//"' 7</etc/passwd 8</ 9<>"$T/fd"
}

# What is open for reading cannot be opened again for writing, and no directory leads out.
streams_lead_nowhere() {
	echo precious >"$T/input"
	sandbox -- true
	jq -e '.protections.landlock > 0' "$T/report" || skip 'this kernel has no Landlock'
	expect_exit 2 sandbox -- sh -c 'echo evil >/proc/self/fd/0' <"$T/input"
	expect_equal precious "$(cat "$T/input")"
	expect_output precious sandbox -- cat <"$T/input"
	expect_exit 125 sandbox -- ls /proc/self/fd/0/ <"$T"
	jq -e '.cause == "setup"' "$T/report"
}

# A character device 0/0 is a deletion to overlays, and anybody may make one.
deletions_are_no_outputs() {
	mkdir -p "$T/none"
	sandbox --out /tmp/made="$T/none/made" -- sh -c 'mkdir /tmp/made; mknod /tmp/made/gone c 0 0; echo x >/tmp/made/file'
	expect_equal x "$(cat "$T/none/made/file")"
	[ ! -e "$T/none/made/gone" ]
	# Neither does one that is made by hand delete a file of the host.
	mkdir -p host
	echo precious >host/file
	sandbox --commit host -- sh -c 'cd host; mv file other; mknod file c 0 0; mv other file'
	expect_equal precious "$(cat host/file)"
}

outputs_are_safe() {
	local out=$T/collected
	mkdir "$out"
	echo precious >"$T/outside"
	sandbox --out result="$out/result" -- ./hostile outputs result
	expect_equal good "$(cat "$out/result/good")"
	expect_equal good "$(readlink "$out/result/link-inside")"
	expect_equal 2 "$(stat -c %h "$out/result/hard-link")"
	[ -e "$out/result/"$'new\nline' ]
	expect_equal '' "$(find "$out" '(' -type p -o -type s -o -type c -o -type b -o -perm /6000 ')')"
	local name
	for name in link-absolute link-out link-through fifo socket sparse; do
		if [ -L "$out/result/$name" ] || [ -e "$out/result/$name" ]; then echo "$name was collected"; return 1; fi
		jq -e --arg p "result/$name" '.refusedOutputs | map(.path) | index($p) != null' "$T/report" >/dev/null || { echo "$name is not listed"; return 1; }
	done
	expect_equal "$(sha256sum <"$out/result/good" | cut -d' ' -f1)" \
		"$(jq -r '.outputs[] | select(.path == "result/good") | .sha256' "$T/report")"
	expect_equal precious "$(cat "$T/outside")"
	jq -e '.outputs | map(.path) | index("result/hard-link") != null' "$T/report" >/dev/null
}

# A link in the place of the output, or on the way to it, leads nowhere.
output_links_are_not_followed() {
	sandbox --out result="$T/stolen" -- sh -c 'ln -s /etc result'
	[ ! -e "$T/stolen" ] && [ ! -L "$T/stolen" ]
	sandbox --out a/hostname="$T/stolen" -- sh -c 'ln -s /etc a'
	[ ! -e "$T/stolen" ]
	jq -e '.refusedOutputs | length == 1' "$T/report" >/dev/null
}

# What is collected does not change any more, though a daemon of the command went on writing.
outputs_stand_still() {
	sandbox --out log="$T/daemon.log" -- sh -c "./$OURS daemon log; until [ -s log ]; do sleep 0.02; done"
	local before
	before=$(sha256sum <"$T/daemon.log" | cut -d' ' -f1)
	sleep 0.1
	expect_equal "$before" "$(sha256sum <"$T/daemon.log" | cut -d' ' -f1)"
	expect_equal "$before" "$(jq -r '.outputs[0].sha256' "$T/report")"
	none_of_ours
}

ignoring_signals_is_no_help() {
	expect_exit 124 sandbox -T 300ms -t 200ms -- sh -c 'trap "" TERM INT HUP; ./hostile daemon x; while :; do sleep 1; done'
	cause_is timeout
}

check 'dangerous system calls are refused, each with its error' calls_are_refused
check 'nothing can be pushed into the terminal' terminal_gets_no_input
check 'a fork bomb meets its limit and is named' fork_bomb
check 'a fork bomb without a limit ends with its time' fork_bomb_without_limit_ends
check 'memory bombs of each kind meet the limit and are named' memory_bombs
check 'disk and inodes can be filled, the host'"'"'s not' disk_and_inodes
check 'a flood of output is cut and named' log_flood
check '/proc shows and takes nothing of the host' proc_games
check 'abstract sockets of the host cannot be reached' abstract_sockets
check 'no descriptor of the caller comes along' descriptors
check 'standard streams lead nowhere' streams_lead_nowhere
check 'deletions that were made by hand are no outputs' deletions_are_no_outputs
check 'hostile outputs are left out and listed' outputs_are_safe
check 'no link in the place of an output is followed' output_links_are_not_followed
check 'what was collected stands still' outputs_stand_still
check 'ignoring signals is no help' ignoring_signals_is_no_help
check 'nothing is left' nothing_left
finish
