# shellcheck shell=bash
# What the tests of snapshots and clones begin with, after lib.sh: a CRIU, a store of their own (STORE), a bundle whose
# program counts into its standard output and into /data (BASE, its root TREE).

# shellcheck source=tests/support/criu.sh
. "$(dirname "${BASH_SOURCE[0]}")/criu.sh"

STORE=$T/store
export STORE
lvm() { "$RUNTIME" --root "$ROOT" --store "$STORE" "$@"; }

new_bundle base '.root.readonly = false' '.process.args = ["/bin/testkit", "count", "/data"]'
BASE=$BUNDLE
TREE=$BASE/rootfs
cp "$TESTKIT" "$TREE/bin/testkit"

# start_counter ID [OPTION…]: its output goes to $T/ID.out.
start_counter() {
	lvm run -d -b "$BASE" --overlay "$TREE" "${@:2}" "$1" </dev/null >"$T/$1.out" 2>&1
	wait_for 30 has_lines "$T/$1.out" 5
}
# Of all that a test made nothing is in the store.
nothing_stored() { expect_equal '' "$(find "$STORE" -mindepth 2 2>/dev/null | head -n 3)"; }
