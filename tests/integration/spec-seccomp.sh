#!/usr/bin/env bash
# linux.seccomp: every flag with and without an agent, every architecture, calls newer than the profile.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"

profile() { # JQ-EXPRESSION SCRIPT: a configuration with that linux.seccomp, in CONFIG
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "${2:-true}" ".linux.seccomp = $1 | .process.args = [\"sh\", \"-c\", \$s]" "$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }
denies() { printf '{"defaultAction": "SCMP_ACT_ALLOW"%s, "syscalls": [{"names": ["getpriority"], "action": "SCMP_ACT_ERRNO"}]}' "$1"; }
denied() { # MEMBERS: the profile with these does its work
	profile "$(denies "$1")" 'testkit sys getpriority 0 0'
	expect_equal EPERM "$(run || true)"
}

every_flag() {
	denied ', "flags": []'
	denied ', "flags": ["SECCOMP_FILTER_FLAG_TSYNC"]'
	denied ', "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
	denied ', "flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
	# Without a listener there is nobody to be waited for: it means nothing.
	denied ', "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
	profile "$(denies ', "flags": ["SECCOMP_FILTER_FLAG_NONSENSE"]')"
	expect_error 'linux.seccomp.flags[0]: expected one of' run
}

flags_with_an_agent() {
	local flags
	for flags in '[]' '["SECCOMP_FILTER_FLAG_TSYNC"]' '["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' \
		'["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'; do
		rm -f "$T/agent.sock" "$T/told"
		timeout 30 "$TESTKIT" agent "$T/agent.sock" "$T/told" 1 &
		wait_for 10 test -S "$T/agent.sock"
		profile "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"$T/agent.sock\", \"listenerMetadata\": \"m\", \"flags\": $flags,
			\"syscalls\": [{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}" 'testkit sys getppid'
		expect_equal "$flags ok 42" "$flags $(run)"
		wait
		expect_equal m "$(jq -r .metadata "$T/told")"
	done
}

every_architecture() {
	local arch known
	known=$(lvm features | jq -r '.linux.seccomp.archs[]')
	for arch in X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC \
		PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB; do
		profile "$(denies ", \"architectures\": [\"SCMP_ARCH_$arch\"]")" 'testkit sys getpriority 0 0'
		run >"$T/out" 2>"$T/err" || :
		if ! grep -qx "SCMP_ARCH_$arch" <<<"$known"; then
			grep -qE "SCMP_ARCH_$arch is not known to libseccomp [0-9]+\.[0-9]+\.[0-9]+" "$T/err" || { cat "$T/err"; return 1; }
		elif ! grep -q 'another byte order' "$T/err"; then
			# The native one is filtered whatever is listed.
			expect_equal "$arch EPERM" "$arch $(cat "$T/out" "$T/err")"
		fi
	done
	profile "$(denies ', "architectures": ["SCMP_ARCH_PDP11"]')"
	expect_error 'linux.seccomp.architectures[0]' run
}

calls_newer_than_the_profile() {
	local allowed
	# What a program needs is allowed up to a call of this year, the rest is refused with EPERM.
	allowed=$(jq -c '[.linux.seccomp.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | unique - ["getpriority"]' "$TOP/tests/data/podman-config.json")
	profile "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": $allowed, \"action\": \"SCMP_ACT_ALLOW\"}]}" 'testkit sys getpriority 0 0; testkit sys 9999'
	expect_equal 'EPERM ENOSYS' "$(run 2>/dev/null | xargs || true)"
	# Who chooses the number for all others has it for these too.
	profile "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"syscalls\": [{\"names\": $allowed, \"action\": \"SCMP_ACT_ALLOW\"}]}" 'testkit sys getpriority 0 0; testkit sys 9999'
	expect_equal 'ENOSYS ENOSYS' "$(run 2>/dev/null | xargs || true)"
	profile "{\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\", \"syscalls\": [{\"names\": $allowed, \"action\": \"SCMP_ACT_ALLOW\"}]}" 'testkit sys 9999'
	expect_equal ENOSYS "$(run 2>/dev/null || true)"
	profile "{\"defaultAction\": \"SCMP_ACT_LOG\", \"syscalls\": []}" 'testkit sys 9999'
	expect_equal ENOSYS "$(run 2>/dev/null || true)"
}

x32_where_it_is_listed() {
	[ "$(uname -m)" = x86_64 ] || skip 'x32 calls are those of x86-64 machines'
	# 110 is getppid, bit 30 makes it a call of x32: allowed where listed, and then the kernel's own answer.
	profile "$(denies ', "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]')" "testkit sys $((0x40000000 + 110))"
	run >"$T/out" 2>/dev/null || :
	grep -qE '^(ENOSYS|ok [0-9]+)$' "$T/out" || { cat "$T/out"; return 1; }
	# The rule holds for them too: 140 is getpriority.
	profile "$(denies ', "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]')" "testkit sys $((0x40000000 + 140)) 0 0"
	expect_equal EPERM "$(run 2>/dev/null || true)"
	profile "$(denies ', "architectures": ["SCMP_ARCH_X86_64"]')" "testkit sys $((0x40000000 + 110)); echo \$?"
	expect_equal 159 "$(run 2>/dev/null | tail -n 1)"
}

numbers_where_none_can_be() {
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}'
	expect_error 'linux.seccomp.defaultErrnoRet: goes only with' run
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getpid"], "action": "SCMP_ACT_KILL", "errnoRet": 1}]}'
	expect_error 'linux.seccomp.syscalls[0].errnoRet: goes only with' run
	profile '{"defaultAction": "SCMP_ACT_NOTIFY"}'
	expect_error 'linux.seccomp.defaultAction' run
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "m"}'
	expect_error 'linux.seccomp.listenerMetadata: needs listenerPath' run
	nothing_left
}

check 'every flag is taken' every_flag
check 'every flag is taken with an agent, which is told the metadata' flags_with_an_agent
check 'every architecture is taken, or refused with the version of libseccomp' every_architecture
check 'calls newer than the profile get ENOSYS' calls_newer_than_the_profile
check 'x32 is filtered where it is listed, and killed where not' x32_where_it_is_listed
check 'what does not go together is refused by its path' numbers_where_none_can_be
finish
