# shellcheck shell=bash
# shellcheck disable=SC2034 # variables for the cases
# What the cases for the test machine share, on top of tests/support/lib.sh.
#
# Making a bundle is slow under emulation: `shared_bundle` makes one for the file, `config FILTER…` gives it a fresh config.json,
# and every container gets an id of its own.

# shellcheck source=../support/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# The other runtimes prove the cases, but some things they are known to do differently.
not_for_crun() { case $RUNTIME in */crun) skip "crun: $1" ;; esac }

shared_bundle() {
	new_bundle shared && cp "$BUNDLE/config.json" "$T/base.json"
}

# config [JQ-FILTER…]: the default config, changed, in the shared bundle.
config() {
	local filter
	cp "$T/base.json" "$BUNDLE/config.json"
	for filter in "$@"; do edit_config "$filter"; done
}

# A program that does nothing until it is killed.
idle='.process.args = ["sleep", "1000"]'

# started ID [GLOBAL-OPTION…]: creates and starts a container of the shared bundle. Its standard files are those of a daemon: a
# pipe of ours in its hands would keep our reader waiting.
started() {
	local id=$1
	shift
	lvm "$@" create --bundle "$BUNDLE" "$id" </dev/null >"$T/$id.log" 2>&1 || { cat "$T/$id.log"; return 1; }
	lvm "$@" start "$id"
}

# must COMMAND…: what the whole file rests on; when it fails, so does the file, and says why.
must() {
	"$@" >"$T/must" 2>&1 && return
	printf 'not ok - %s\n' "$*"
	sed 's/^/    /' "$T/must"
	lib_done=1
	exit 1
}

pid_of() { lvm state "$1" | jq -r .pid; }

# The container's cgroup as a directory.
cgroup_of() { sed -n "s|^0::|/sys/fs/cgroup|p" "/proc/$(pid_of "$1")/cgroup"; }

# A counter out of a flat keyed file: counter cpu.stat nr_throttled
counter() { awk -v key="$2" '$1 == key { print $2 }' "$1"; }

expect_file() { expect_equal "$2" "$(cat "$1")"; }

# expect_between LOW HIGH NUMBER
expect_between() {
	if [ "$3" -lt "$1" ] || [ "$3" -gt "$2" ]; then
		printf 'expected %s to %s, got: %s\n' "$1" "$2" "$3"
		return 1
	fi
}

# expect_match REGEX TEXT
expect_match() { [[ $2 =~ $1 ]] || { printf 'expected to match: %s\n              got: %s\n' "$1" "$2"; return 1; }; }

# Milliseconds that a command takes, in the variable took; its exit status is ours.
timed() {
	local begin=${EPOCHREALTIME/./} status=0
	"$@" || status=$?
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	return $status
}
