# shellcheck shell=bash
# What an integration test begins with:
#
#   #!/usr/bin/env bash
#   . "$(dirname "$0")/../support/lib.sh"
#
#   runs_a_program() {
#       new_bundle one '.process.args = ["echo", "hello"]'
#       expect_output hello lvm run -b "$BUNDLE" "$(new_id)"
#   }
#   check 'run shows what the program writes' runs_a_program
#   check 'state of an unknown container fails' expect_exit 1 lvm state nobody
#   finish
#
# `check SENTENCE COMMAND…` is one sub-test. COMMAND (a function mostly) runs in a subshell under
# `set -eu`: its first failing line fails the sub-test, and what it changes in variables is gone
# afterwards; make what several sub-tests share before the first check. Its output is shown only
# when it fails.
#
# Variables: TESTKIT (tests/support/testkit*.c, built: small programs for the host's side and, copied
# there, for inside), RUNTIME (the program under test, absolute), T (this test's temporary folder), ROOT (its
# private state root), ROOTFS (the shared busybox tree, read-only), BUNDLE (the last new_bundle).
# All containers in ROOT, background jobs of the test and T itself are gone when the test ends.

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RUNTIME=$(realpath "${RUNTIME:-$TOP/build/lvm-run}")
[ -x "$RUNTIME" ] || { echo "lib.sh: no program to test: $RUNTIME" >&2; exit 1; }
ROOTFS=$("$TOP/tests/support/rootfs") || exit 1
TESTKIT=$TOP/build/testkit
if [ ! -x "$TESTKIT" ] || [ -n "$(find "$TOP"/tests/support/testkit*.[ch] -newer "$TESTKIT")" ]; then
	make -s -C "$TOP" build/testkit >/dev/null || exit 1
fi
T=$(mktemp -d "${TMPDIR:-/tmp}/lvm-run-test.XXXXXX") || exit 1
chmod 755 "$T"
ROOT=$T/state
BUNDLE=
# The program runs sealed and cannot tell what lies beside it.
LVM_RUN_HELPER=${LVM_RUN_HELPER:-${RUNTIME%/*}/lvm-run-helper}
[ -x "$LVM_RUN_HELPER" ] || unset LVM_RUN_HELPER
export TOP RUNTIME ROOTFS TESTKIT T ROOT BUNDLE ${LVM_RUN_HELPER+LVM_RUN_HELPER}
mkdir "$ROOT"
lib_pass=0 lib_fail=0 lib_skip=0 lib_done=0 lib_main=$BASHPID

# The runtime with the private state root.
lvm() { "$RUNTIME" --root "$ROOT" "$@"; }

# new_bundle NAME [JQ-FILTER…]: a bundle in $T/NAME with its own copy of the busybox tree and the
# default config without terminal, each filter applied in turn. Sets BUNDLE.
new_bundle() {
	BUNDLE=$T/$1
	shift
	mkdir "$BUNDLE" && cp -a --reflink=auto "$ROOTFS" "$BUNDLE/rootfs" || return
	(cd "$BUNDLE" && "$RUNTIME" spec) || return
	edit_config '.process.terminal = false' || return
	local filter
	for filter in "$@"; do edit_config "$filter" || return; done
}

# edit_config [JQ-OPTION…] FILTER: changes the config.json of BUNDLE.
edit_config() {
	jq "$@" "$BUNDLE/config.json" >"$BUNDLE/.config.new" &&
		mv "$BUNDLE/.config.new" "$BUNDLE/config.json"
}

# A container id that no other test has.
new_id() { printf 't%s-%s-%s\n' "$lib_main" "$BASHPID" "$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')"; }

# --- What a sub-test says -------------------------------------------------------------------------

# expect_exit N COMMAND…: the command's exit status is N; its output stays visible.
expect_exit() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || { printf 'exit status %s, expected %s: %s\n' "$got" "$want" "$*"; return 1; }
}

# expect_output TEXT COMMAND…: it succeeds and prints exactly TEXT (standard output).
expect_output() {
	local want=$1 got status=0
	shift
	got=$("$@") || status=$?
	[ "$status" -eq 0 ] || { printf 'exit status %s: %s\n%s\n' "$status" "$*" "$got"; return 1; }
	expect_equal "$want" "$got"
}

# expect_error TEXT COMMAND…: it fails, and standard error contains TEXT.
expect_error() {
	local want=$1 got
	shift
	if got=$("$@" 2>&1 >/dev/null); then
		printf 'succeeded, expected an error: %s\n' "$*"
		return 1
	fi
	expect_contains "$want" "$got"
}

expect_equal() {
	[ "$1" = "$2" ] || { printf 'expected: %s\n     got: %s\n' "$1" "$2"; return 1; }
}

expect_contains() {
	case $2 in
	*"$1"*) ;;
	*) printf 'expected to contain: %s\n                got: %s\n' "$1" "$2"; return 1 ;;
	esac
}

# expect_no_line GREP-ARGUMENT… FILE: the file can be read, and no line of it matches.
expect_no_line() {
	local status=0
	grep "$@" || status=$?
	[ "$status" -eq 1 ] || { printf 'grep %s: exit status %s, expected 1\n' "$*" "$status"; return 1; }
}

# wait_for SECONDS COMMAND…: until the command succeeds. At least a minute, since only a failure takes so long and
# a busy machine may need it; lib_patience=1 wait_for … where a test goes on when it was in vain.
lib_patience=60
wait_for() {
	local end=$((SECONDS + ($1 > lib_patience ? $1 : lib_patience)))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { printf 'waited in vain: %s\n' "$*"; return 1; }
		sleep 0.02
	done
}

# No container that the sub-test has made is left.
nothing_left() { expect_equal '' "$(find "$ROOT" -mindepth 1 -maxdepth 1 -name '[!.]*' | sort | comm -13 "$T/.before" -)"; }

# The process has ended, and perhaps somebody has reaped it: looked at once, for this may happen meanwhile.
has_ended() { [ "$1" -gt 0 ] && ! grep -qs '^State:.[^ZX]' "/proc/$1/status"; }

container_is() { [ "$(lvm state "$1" | jq -r .status)" = "$2" ]; }

# program_is ID NAME: its first process is that program. A run that another process waits for is "running" some
# moments before that.
program_is() { [ "$(cat "/proc/$(lvm state "$1" | jq .pid)/comm")" = "$2" ]; }

# --- Sub-tests and their ending -------------------------------------------------------------------

# Names the line of the test file that failed, not the one in here that found it out.
lib_failed() {
	local depth line=$2 what=$3
	for ((depth = 1; depth < ${#FUNCNAME[@]} - 1; depth++)); do
		if [ "${BASH_SOURCE[depth]}" != "${BASH_SOURCE[0]}" ]; then
			printf '%s:%s: %s (%s)\n' "$(basename "$0")" "$line" "$what" "$1"
			break
		fi
		line=${BASH_LINENO[depth]} what='the expectation of this line failed'
	done
	exit "$1"
}

lib_end_jobs() {
	local job
	# A job that has ended meanwhile is no failure of the sub-test.
	for job in $(jobs -p); do kill "$job" 2>/dev/null || :; done
}

check() {
	local sentence=$1 status=0 skip
	shift
	find "$ROOT" -mindepth 1 -maxdepth 1 | sort >"$T/.before"
	(
		set -euE -o pipefail
		trap 'lib_failed "$?" "$LINENO" "$BASH_COMMAND"' ERR
		trap lib_end_jobs EXIT
		"$@"
	) >"$T/.output" 2>&1 </dev/null
	status=$?
	skip=$(sed -n 's/^SKIP //p' "$T/.output" | tail -n 1)
	if [ "$status" -eq 77 ] && [ -n "$skip" ]; then
		lib_skip=$((lib_skip + 1))
		printf 'ok - %s # SKIP %s\n' "$sentence" "$skip"
	elif [ "$status" -eq 0 ]; then
		lib_pass=$((lib_pass + 1))
		printf 'ok - %s\n' "$sentence"
	else
		lib_fail=$((lib_fail + 1))
		printf 'not ok - %s\n' "$sentence"
		sed 's/^/    /' "$T/.output"
	fi
	return 0
}

# skip REASON: inside a sub-test it ends that one, outside the whole file.
skip() {
	echo "SKIP $*"
	[ "$BASHPID" != "$lib_main" ] || lib_done=1
	exit 77
}

# The last line of every test file: a file that ends without it has failed.
finish() {
	lib_done=1
	printf '# %d passed, %d failed, %d skipped\n' "$lib_pass" "$lib_fail" "$lib_skip"
	[ "$lib_fail" -eq 0 ] && [ $((lib_pass + lib_skip)) -gt 0 ]
	exit
}

lib_cleanup() {
	local status=$? entry
	trap - EXIT
	lib_end_jobs
	for entry in "$ROOT"/*; do
		[ -d "$entry" ] || continue
		timeout 20 "$RUNTIME" --root "$ROOT" delete --force "${entry##*/}" >/dev/null 2>&1 ||
			echo "# cleanup: delete --force ${entry##*/} failed"
	done
	cd / || exit 1
	rm -rf --one-file-system "$T"
	if [ "$lib_done" -eq 0 ]; then
		echo "not ok - the test file ended early (status $status)"
		status=1
	fi
	exit "$status"
}
trap lib_cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
