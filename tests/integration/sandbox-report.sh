#!/usr/bin/env bash
# sandbox: each field of the report, limits and what happens without them, the option names of other tools.
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/hostile.sh
. "$(dirname "$0")/../support/hostile.sh"

sandbox() { timeout 120 "$RUNTIME" --root "$ROOT" sandbox --report "$T/report" "$@"; }
# is JQ-EXPRESSION…: they are true for the report.
is() {
	local expression
	for expression in "$@"; do
		jq -e "$expression" "$T/report" >/dev/null || { echo "not true: $expression"; cat "$T/report"; return 1; }
	done
}
needs_limit() { sandbox "$@" -- true 2>"$T/why" || skip "this host cannot enforce $1: $(sed -n 1p "$T/why" | cut -c1-80)"; }

used_time_and_memory() {
	sandbox -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; ./hostile memory anon 40'
	is '.version == 1' '.command | length == 3' '.time.wallMicroseconds > 0' '.time.userMicroseconds > 0' \
		'.time.systemMicroseconds > 0' '.memory.largestProcessBytes > 40000000' '.io.blocksRead >= 0' '.io.blocksWritten >= 0' \
		'.disk.limitBytes > 0' '.disk.wasFull == false' '.output.bytes >= 0' '.notes == []'
	# Time that passes is no time that is used.
	sandbox -- sleep 0.5
	is '.time.wallMicroseconds >= 500000' '.time.userMicroseconds < 400000'
}

counters_of_the_group() {
	needs_limit --memory 128M --pids 60
	sandbox --memory 128M --swap 0 --pids 60 -- sh -c './hostile memory anon 40; ./hostile forks 20'
	is '.memory.peakBytes > 40000000 and .memory.peakBytes <= 134217728' '.memory.limitBytes == 134217728' '.memory.oomKills == 0' \
		'.pids.limit == 60' '.pids.refused == 0' '.protections.limitsEnforced'
	[ ! -e /sys/fs/cgroup/pids ] || [ -z "$(find /sys/fs/cgroup/pids -mindepth 2 -name pids.peak -print -quit 2>/dev/null || :)" ] ||
		is '.pids.peak >= 20 and .pids.peak <= 60'
	if [ -e /proc/pressure/cpu ]; then
		is '.pressure.cpu.someMicroseconds >= 0' '.pressure.memory.fullMicroseconds >= 0' '.pressure.io.someMicroseconds >= 0'
	fi
}

processors_are_limited() {
	needs_limit --cpus 0.2
	expect_exit 124 sandbox --cpus 0.2 -T 1500ms -t 0 -- sh -c 'while :; do :; done'
	is '.cause == "timeout"' '(.time.userMicroseconds + .time.systemMicroseconds) < .time.wallMicroseconds / 2'
}

# What was asked is had, or nothing runs; unless that was asked too.
limits_are_had_or_nothing_runs() {
	local without=(timeout 60 "$RUNTIME" --root "$ROOT" --cgroup-manager disabled sandbox --report "$T/report" -w "$WORK") limit
	for limit in '--memory 64M' '--pids 10' '--cpus 1'; do
		rm -f "$WORK/ran"
		# shellcheck disable=SC2086 # an option and its value
		expect_exit 125 "${without[@]}" $limit -- touch ran
		is '.cause == "setup"' '.message | length > 0' '.status == 125'
		[ ! -e "$WORK/ran" ]
		# shellcheck disable=SC2086
		expect_exit 0 "${without[@]}" $limit --best-effort -- touch ran
		is '.cause == "ok"' '.protections.limitsEnforced == false' '.notes | any(startswith("limits are not enforced"))'
		[ -e "$WORK/ran" ]
	done
	# Without limits no group is needed.
	expect_exit 0 "${without[@]}" -- true
}

setups_that_fail_say_why() {
	expect_exit 125 sandbox --bind "$T/nowhere" /x -- true
	is '.cause == "setup"' '.status == 125' '.message | contains("nowhere")' 'has("exit") | not'
	expect_exit 127 sandbox -- no-such-command
	is '.cause == "setup"' '.status == 127' '.message | contains("no-such-command")'
	: >not-executable
	expect_exit 126 sandbox -- ./not-executable
	is '.cause == "setup"' '.status == 126'
	expect_exit 125 sandbox --net-allow 'no such host' -- true
	is '.cause == "setup"' '.status == 125'
}

protections_are_named() {
	sandbox -- true
	is '.protections.userNamespace' '.protections.network' '.protections.noNewPrivileges' '.protections.noCapabilities' \
		'.protections.seccomp == "build"' '.protections.files == "overlay"' '.protections.hiddenPaths > 0' '.network.mode == "none"'
	sandbox --read-only --share-net --show-secrets --allow-userns -- true
	is '.protections.network == false' '.protections.seccomp == "build+userns"' '.protections.files == "read-only"' \
		'.protections.landlock == 0' '.network.mode == "host"'
}

# With the host's network an abstract socket can be seen; Landlock (6.12) stands before it.
second_wall() {
	sandbox -- true
	is '.protections.landlock >= 6' || skip 'this kernel has no Landlock with scopes'
	./hostile listen "wall-$$" >"$T/listener" &
	wait_for 10 grep -q listening "$T/listener"
	expect_output 'connect EPERM' sandbox --share-net -- ./hostile connect "wall-$$"
	expect_output 'connect ok' sandbox --share-net --allow-userns -- ./hostile connect "wall-$$"
}

keyring_is_its_own() {
	local outside
	outside=$(./hostile keyring)
	case $outside in *[0-9]) ;; *) skip "keys cannot be used here: $outside" ;; esac
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$T/profile"
	sandbox --seccomp "$T/profile" -- ./hostile keyring >"$T/inside"
	grep '^keyring [0-9]' "$T/inside"
	[ "$(cat "$T/inside")" != "$outside" ]
}

names_of_linux_sandbox() {
	mkdir -p there empty
	echo x >empty/file
	timeout 60 "$RUNTIME" --root "$ROOT" sandbox -W "$WORK/there" -w "$WORK/there" -e "$WORK/empty" -T 30 -t 1 \
		-l "$T/out" -L "$T/err" -S "$T/report" -N -- sh -c 'pwd; ls ../empty; echo late >stays; echo wrong >&2'
	expect_equal "$WORK/there" "$(cat "$T/out")"
	expect_equal wrong "$(cat "$T/err")"
	expect_equal late "$(cat there/stays)"
	is '.cause == "ok"'
}

names_of_bubblewrap() {
	mkdir -p there
	expect_output "$WORK/there named" timeout 60 "$RUNTIME" --root "$ROOT" sandbox --ro-bind / / --bind "$WORK/there" "$WORK/there" --tmpfs /tmp/x \
		--unshare-net --unshare-all --die-with-parent --new-session --json-status-fd 5 --chdir "$WORK/there" --hostname named -- \
		sh -c 'echo x >stays; ! echo x 2>/dev/null >/usr/x; echo "$PWD $(hostname)"' 5>"$T/status"
	expect_equal x "$(cat there/stays)"
	expect_equal '2 0' "$(jq -rs '"\(length) \(.[1]."exit-code")"' "$T/status")"
	[ "$(jq -s '.[0]."child-pid"' "$T/status")" -gt 1 ]
}

check 'time and memory that were used' used_time_and_memory
check 'counters of the control group' counters_of_the_group
check 'processors are limited' processors_are_limited
check 'limits are had, or nothing runs' limits_are_had_or_nothing_runs
check 'a set-up that fails says why' setups_that_fail_say_why
check 'protections are named' protections_are_named
check 'Landlock is a second wall' second_wall
check 'the session keyring is its own' keyring_is_its_own
check 'the option names of linux-sandbox' names_of_linux_sandbox
check 'the option names of bubblewrap' names_of_bubblewrap
check 'nothing is left' nothing_left
finish
