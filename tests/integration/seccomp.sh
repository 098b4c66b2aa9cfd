#!/usr/bin/env bash
# seccomp: every action, arguments, flags, other architectures, the agent of notify, the cache.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"

# profile JQ-EXPRESSION SCRIPT: a configuration with that linux.seccomp, in CONFIG.
profile() {
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "${2:-sleep 1000}" ".linux.seccomp = $1 | .process.args = [\"sh\", \"-c\", \$s]" "$BUNDLE/config.json" >"$CONFIG"
}

run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

# One rule above "allow all": rule NAMES ACTION [REST].
rule() { printf '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": %s, "action": "%s"%s}]}' "$1" "$2" "${3:-}"; }

nothing_is_filtered_without_a_section() {
	profile null 'grep ^Seccomp: /proc/self/status'
	expect_equal 'Seccomp: 0' "$(run | xargs)"
	profile "$(rule '["getpriority"]' SCMP_ACT_ERRNO)" 'grep ^Seccomp: /proc/self/status'
	expect_equal 'Seccomp: 2' "$(run | xargs)"
}

denied_with_an_errno() {
	profile "$(rule '["mkdirat"]' SCMP_ACT_ERRNO)" 'testkit sys mkdirat -100 @/x'
	expect_equal EPERM "$(run || true)"
	profile "$(rule '["mkdirat"]' SCMP_ACT_ERRNO ', "errnoRet": 38')" 'testkit sys mkdirat -100 @/x'
	expect_equal ENOSYS "$(run || true)"
	profile "$(rule '["mkdirat"]' SCMP_ACT_ERRNO ', "errnoRet": 0')" 'testkit sys mkdirat -100 @/x; ls -d /x 2>/dev/null'
	expect_equal 'ok 0' "$(run || true)"
}

default_errno() {
	# An allow-list of all that this script needs, by forbidding all else: names by number do not matter.
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 5, "syscalls": [{"names": ["getpriority"], "action": "SCMP_ACT_ERRNO"}]}' 'testkit sys getpriority 0 0'
	run >"$T/out" 2>"$T/err" || true
	cat "$T/out" "$T/err"
	# errnoRet of defaults belongs to a default action that carries one.
	grep -qE 'EPERM|defaultErrnoRet' "$T/out" "$T/err"
	jq '.linux.seccomp' "$TOP/tests/data/podman-config.json" >"$T/podman.json"
	jq -e '.defaultErrnoRet == 38' "$T/podman.json"
	profile "$(cat "$T/podman.json")" 'testkit sys 9999'
	expect_equal ENOSYS "$(run || true)"
}

killed() {
	local action
	for action in SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP; do
		profile "$(rule '["getpriority"]' "$action")" 'testkit sys getpriority 0 0; echo $?'
		# 128 + SIGSYS
		expect_equal "$action 159" "$action $(run 2>/dev/null | tail -n 1)"
	done
}

logged_traced_and_allowed() {
	profile "$(rule '["getppid"]' SCMP_ACT_LOG)" 'testkit sys getppid'
	expect_contains ok "$(run)"
	profile "$(rule '["getppid"]' SCMP_ACT_TRACE ', "errnoRet": 3')" 'testkit sys getppid'
	# Nobody traces: the call fails so.
	expect_equal ENOSYS "$(run || true)"
	profile "$(rule '["getppid"]' SCMP_ACT_ALLOW)" 'testkit sys getppid'
	expect_contains ok "$(run)"
}

arguments_are_compared() { # getpriority(which, who): 0 0 succeeds by itself
	local op value two call want line
	while read -r op value two call want; do
		line="[{\"index\": 1, \"value\": $value, \"valueTwo\": $two, \"op\": \"SCMP_CMP_$op\"}]"
		profile "$(rule '["umask"]' SCMP_ACT_ERRNO ", \"errnoRet\": 28, \"args\": ${line/\"index\": 1/\"index\": 0}")" "testkit sys umask $call"
		expect_equal "$op $value $call: $want" "$op $value $call: $(run 2>&1 | sed 's/ok .*/ok/' || true)"
	done <<-'END'
		EQ 5 0 5 ENOSPC
		EQ 5 0 6 ok
		NE 5 0 5 ok
		NE 5 0 6 ENOSPC
		LT 5 0 4 ENOSPC
		LT 5 0 5 ok
		LE 5 0 5 ENOSPC
		LE 5 0 6 ok
		GE 5 0 5 ENOSPC
		GE 5 0 4 ok
		GT 5 0 6 ENOSPC
		GT 5 0 5 ok
		MASKED_EQ 4 4 6 ENOSPC
		MASKED_EQ 4 4 3 ok
		EQ 4294967296 0 4294967296 ENOSPC
		EQ 4294967296 0 0 ok
	END
}

several_arguments() {
	# Different arguments: all must hold. The same argument twice: either.
	profile "$(rule '["getpriority"]' SCMP_ACT_ERRNO ', "errnoRet": 28, "args": [
		{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]')" \
		'testkit sys getpriority 0 0; testkit sys getpriority 0 1; testkit sys getpriority 2 0'
	expect_equal 'ENOSPC ok ok' "$(run | sed 's/ok .*/ok/' | xargs || true)"
	profile "$(rule '["umask"]' SCMP_ACT_ERRNO ', "errnoRet": 28, "args": [
		{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]')" \
		'testkit sys umask 1; testkit sys umask 2; testkit sys umask 3'
	expect_equal 'ENOSPC ENOSPC ok' "$(run | sed 's/ok .*/ok/' | xargs || true)"
}

bad_sections_are_errors() {
	profile '{"defaultAction": "SCMP_ACT_NONSENSE"}'
	expect_error defaultAction run
	profile '{}'
	expect_error seccomp run
	profile "$(rule '["umask"]' SCMP_ACT_KILL ', "errnoRet": 1')"
	expect_error errnoRet run
	profile "$(rule '["umask"]' SCMP_ACT_ERRNO ', "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]')"
	expect_error args run
	profile "$(rule '["umask"]' SCMP_ACT_ERRNO ', "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_XX"}]')"
	expect_error op run
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NONE"]}'
	expect_error architectures run
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NONE"]}'
	expect_error flags run
	nothing_left
}

unknown_calls_are_passed_over() {
	profile "$(rule '["no_such_call_in_any_kernel", "getpriority"]' SCMP_ACT_ERRNO)" 'testkit sys getpriority 0 0'
	expect_equal EPERM "$(run 2>/dev/null || true)"
}

flags_are_taken() {
	local flag
	for flag in TSYNC LOG SPEC_ALLOW; do
		profile "$(rule '["getpriority"]' SCMP_ACT_ERRNO | jq -c ".flags = [\"SECCOMP_FILTER_FLAG_$flag\"]")" 'testkit sys getpriority 0 0'
		expect_equal "$flag EPERM" "$flag $(run || true)"
	done
}

other_architectures_are_filtered_too() {
	[ "$(uname -m)" = x86_64 ] || skip 'i386 calls are those of x86-64 machines'
	# 39 is mkdir on i386, 20 getpid.
	profile "$(rule '["getpid"]' SCMP_ACT_ERRNO ', "errnoRet": 28' | jq -c '.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]')" 'testkit int80 20'
	run >"$T/out" 2>"$T/err" || true
	if grep -q ENOSYS "$T/out" || [ ! -s "$T/out" ]; then skip 'this kernel runs no i386 calls'; fi
	expect_equal ENOSPC "$(cat "$T/out")"
	# An architecture that is not listed can call nothing at all.
	profile "$(rule '["getpid"]' SCMP_ACT_ERRNO | jq -c '.architectures = ["SCMP_ARCH_X86_64"]')" 'testkit int80 20; echo $?'
	expect_equal 0 "$(run 2>/dev/null | grep -c '^ok' || true)"
	# x32: the numbers with bit 30.
	profile "$(rule '["getppid"]' SCMP_ACT_ERRNO)" "testkit sys $((0x40000000 + 110)); echo end"
	expect_equal 0 "$(run 2>/dev/null | grep -c '^ok' || true)"
}

the_filter_of_podman_runs() {
	jq '.linux.seccomp' "$TOP/tests/data/podman-config.json" >"$T/podman.json"
	profile "$(cat "$T/podman.json")" 'echo fine
		testkit sys bpf 0 0 0; testkit sys open_by_handle_at 0 0 0; testkit sys io_uring_setup 0 0
		testkit sys socket 16 3 9; testkit sys personality 0xffffffff; testkit sys keyctl 0 0; true'
	run >"$T/out"
	cat "$T/out"
	# The first three do not get as far as the kernel's own look at their arguments; audit sockets
	# are denied with EINVAL; the last two are allowed.
	expect_equal 'fine EPERM EPERM ENOSYS EINVAL ok 0 EINVAL' "$(xargs <"$T/out")"
}

exec_has_the_filter_too() {
	profile "$(rule '["mkdirat"]' SCMP_ACT_ERRNO ', "errnoRet": 28')"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	expect_equal ENOSPC "$(lvm exec "$ID" testkit sys mkdirat -100 @/x || true)"
	expect_equal 'Seccomp: 2' "$(lvm exec "$ID" grep ^Seccomp: /proc/self/status | xargs)"
	expect_equal 'Seccomp_filters: 1' "$(lvm exec "$ID" grep ^Seccomp_filters: /proc/self/status | xargs)"
}

without_new_privileges_or_with_it_loads() {
	local way
	for way in true false; do
		profile "$(rule '["mkdirat"]' SCMP_ACT_ERRNO)" 'testkit sys mkdirat -100 @/x'
		jq ".process.noNewPrivileges = $way | .process.user.uid = 1000 | .process.capabilities = {}" "$CONFIG" >"$CONFIG.new"
		CONFIG=$CONFIG.new
		expect_equal "$way EPERM" "$way $(run || true)"
	done
}

# --- the agent ---

with_agent() { # COUNT: an agent at $T/agent.sock, what it was told in $T/told
	rm -f "$T/agent.sock" "$T/told"
	timeout 30 "$TESTKIT" agent "$T/agent.sock" "$T/told" "$1" &
	wait_for 5 test -S "$T/agent.sock"
}

notify="{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"$T/agent.sock\", \"listenerMetadata\": \"some text\",
	\"syscalls\": [{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}"

an_agent_answers() {
	with_agent 1
	profile "$notify" 'testkit sys getppid'
	jq '.annotations = {"a": "b"}' "$CONFIG" >"$CONFIG.new"
	CONFIG=$CONFIG.new
	expect_output 'ok 42' run
	jq -e '.ociVersion and .fds == ["seccompFd"] and (.pid > 0) and .metadata == "some text" and
		.state.status == "creating" and .state.pid == .pid and .state.annotations == {"a": "b"} and (.state.id | length > 0)' "$T/told"
	expect_equal 1 "$(wc -l <"$T/told")"
}

an_agent_answers_create_start_and_exec() {
	with_agent 2
	profile "$notify"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	expect_output 'ok 42' lvm exec "$ID" testkit sys getppid
	expect_equal 2 "$(wc -l <"$T/told")"
	jq -e '.state.status' "$T/told" >/dev/null
	lvm delete --force "$ID"
}

a_missing_agent_is_an_error() {
	rm -f "$T/agent.sock"
	profile "$notify"
	expect_error "$T/agent.sock" run
	profile "$(jq -c 'del(.listenerPath)' <<<"$notify")"
	expect_error listener run
	profile "$(rule '["getppid"]' SCMP_ACT_NOTIFY)"
	expect_error listenerPath run
	nothing_left
}

# --- the cache ---

cache_files() { find "$1/.seccomp" -type f ! -name '.*.tmp'; }

compiled_filters_are_kept() {
	local root=$T/cached file inode
	profile "$(rule '["mkdirat", "bpf"]' SCMP_ACT_ERRNO ', "errnoRet": 28')" 'testkit sys mkdirat -100 @/x'
	expect_equal ENOSPC "$(lvm --root "$root" run -b "$BUNDLE" -f "$CONFIG" c1 || true)"
	expect_equal 1 "$(cache_files "$root" | wc -l)"
	file=$(cache_files "$root")
	expect_equal '' "$(find "$file" -perm /077)"
	inode=$(stat -c %i "$file")
	expect_equal ENOSPC "$(lvm --root "$root" run -b "$BUNDLE" -f "$CONFIG" c2 || true)"
	expect_equal "$inode" "$(stat -c %i "$(cache_files "$root")")"
	# It is listed as no container.
	expect_equal '' "$(lvm --root "$root" list -q)"
	# Another section is another file.
	profile "$(rule '["mkdirat", "bpf"]' SCMP_ACT_ERRNO ', "errnoRet": 29')" 'testkit sys mkdirat -100 @/x'
	expect_equal ESPIPE "$(lvm --root "$root" run -b "$BUNDLE" -f "$CONFIG" c3 || true)"
	expect_equal 2 "$(cache_files "$root" | wc -l)"
}

damaged_cache_files_are_replaced() {
	local root=$T/damaged file good way
	profile "$(rule '["mkdirat"]' SCMP_ACT_ERRNO ', "errnoRet": 28')" 'testkit sys mkdirat -100 @/x'
	lvm --root "$root" run -b "$BUNDLE" -f "$CONFIG" d0 || true
	file=$(cache_files "$root")
	good=$(sha256sum <"$file")
	for way in empty short bits long zero; do
		case $way in
		empty) : >"$file" ;;
		short) truncate -s -3 "$file" ;;
		bits) printf '\377' | dd of="$file" bs=1 seek=40 conv=notrunc status=none ;;
		long) echo more >>"$file" ;;
		zero) head -c "$(stat -c %s "$file")" /dev/zero >"$T/zero" && cat "$T/zero" >"$file" ;;
		esac
		expect_equal "$way ENOSPC" "$way $(lvm --root "$root" run -b "$BUNDLE" -f "$CONFIG" "d-$way" || true)"
		expect_equal "$way $good" "$way $(sha256sum <"$file")"
	done
}

many_at_once_share_the_cache() {
	local n jobs=() root=$T/shared
	profile "$(jq -c .linux.seccomp "$TOP/tests/data/podman-config.json")" true
	for n in $(seq 8); do
		lvm --root "$root" run -b "$BUNDLE" -f "$CONFIG" "many-$n" &
		jobs+=($!)
	done
	for n in "${jobs[@]}"; do wait "$n"; done
	expect_equal 1 "$(cache_files "$root" | wc -l)"
}

check 'without a section nothing is filtered' nothing_is_filtered_without_a_section
check 'calls are denied with an errno' denied_with_an_errno
check 'the default has its errno' default_errno
check 'calls kill, and trap' killed
check 'calls are logged, traced, allowed' logged_traced_and_allowed
check 'arguments are compared by every operator' arguments_are_compared
check 'several arguments: all of them, or either value of one' several_arguments
check 'bad sections are errors' bad_sections_are_errors
check 'unknown calls are passed over' unknown_calls_are_passed_over
check 'flags are taken' flags_are_taken
check 'calls of other architectures are filtered too' other_architectures_are_filtered_too
check 'the filter of Podman runs and holds' the_filter_of_podman_runs
check 'exec has the filter too, once' exec_has_the_filter_too
check 'the filter loads with and without no new privileges' without_new_privileges_or_with_it_loads
check 'an agent answers calls, and is told who asks' an_agent_answers
check 'an agent answers after create and start, and for exec' an_agent_answers_create_start_and_exec
check 'a missing agent is an error' a_missing_agent_is_an_error
check 'compiled filters are kept and used again' compiled_filters_are_kept
check 'damaged cache files are replaced' damaged_cache_files_are_replaced
check 'many at once share the cache' many_at_once_share_the_cache
finish
