# shellcheck shell=bash
# What the tests of snapshots and clones begin with, after lib.sh: a CRIU, a store of their own (STORE), a bundle whose
# program counts into its standard output and into /data (BASE, its root TREE).

[ "$(id -u)" -eq 0 ] || skip 'needs root'
least=4.1.1
find_criu() {
	local candidate version
	for candidate in "${LVM_RUN_CRIU-}" "$(command -v criu || :)" \
		"${LVM_RUN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lvm-run}/criu/criu"; do
		[ -x "$candidate" ] || continue
		version=$("$candidate" --version 2>/dev/null | sed -n 's/^Version: *//p')
		[ -n "$version" ] && [ "$(printf '%s\n' "$least" "$version" | sort -V | head -n 1)" = "$least" ] &&
			printf '%s\n' "$candidate" && return
	done
	return 1
}
LVM_RUN_CRIU=$(find_criu) || skip "no CRIU of at least $least (make criu brings one)"
export LVM_RUN_CRIU
"$LVM_RUN_CRIU" check >"$T/check" 2>&1 || skip "criu check: $(tail -n 1 "$T/check")"

STORE=$T/store
export STORE
lvm() { "$RUNTIME" --root "$ROOT" --store "$STORE" "$@"; }

# About fifty numbers a second; the file is open all the time.
cat >"$T/count.c" <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
int main(void)
{
	struct timespec pause = {0, 20000000};
	int fd = open("/data", O_RDWR | O_CREAT | O_APPEND, 0644);
	for (unsigned long n = 1;; n++) {
		if (dprintf(1, "%lu\n", n) < 0 || dprintf(fd, "%lu\n", n) < 0)
			return 3;
		nanosleep(&pause, NULL);
	}
}
C
gcc -O1 -static -o "$T/count" "$T/count.c" || skip 'no static C library'
new_bundle base '.root.readonly = false' '.process.args = ["/bin/count"]'
BASE=$BUNDLE
TREE=$BASE/rootfs
cp "$T/count" "$TREE/bin/count"
cp "$TESTKIT" "$TREE/bin/testkit"

last() { tail -n 1 "$1" 2>/dev/null; }
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
pid_of() { lvm state "$1" | jq .pid; }
# start_counter ID [OPTION…]: its output goes to $T/ID.out.
start_counter() {
	lvm run -d -b "$BASE" --overlay "$TREE" "${@:2}" "$1" </dev/null >"$T/$1.out" 2>&1
	wait_for 5 has_lines "$T/$1.out" 5
}
# Of all that a test made nothing is in the store.
nothing_stored() { expect_equal '' "$(find "$STORE" -mindepth 2 2>/dev/null | head -n 3)"; }
