#!/usr/bin/env bash
# A systemd that does not answer: the command ends in time, says why, and leaves nothing. The socket of
# the manager is a fake one, in a /run of the test's own.
# not for the test machine: it has a real systemd.
. "$(dirname "$0")/../support/lib.sh"

[ "$(id -u)" -eq 0 ] || skip 'needs root (a private /run)'
export LVM_RUN_HELPER=${LVM_RUN_HELPER:-${RUNTIME%/*}/lvm-run-helper}
[ -x "$LVM_RUN_HELPER" ] || skip 'the helper program is not built'

# with_bus COMMAND…: in a private /run where systemd seems to run; SOCKET of a server there stalls.
with_bus() {
	# shellcheck disable=SC2016
	unshare -m bash -c '
		mount -t tmpfs none /run && mkdir -p /run/systemd/system || exit 99
		if [ "$1" = stalled ]; then
			"$TESTKIT" stall /run/systemd/private >/run/log &
			until grep -q listening /run/log; do sleep 0.01; done
		fi
		shift
		"$@"
		status=$?
		kill $(jobs -p) 2>/dev/null
		exit $status' bash "$@"
}

a_stalled_bus_has_an_end() {
	local id before=$SECONDS
	new_bundle stalled
	id=$(new_id)
	expect_exit 1 with_bus stalled "$RUNTIME" --root "$ROOT" --systemd-cgroup create -b "$BUNDLE" "$id" 2>"$T/err"
	cat "$T/err"
	expect_contains 'systemd' "$(cat "$T/err")"
	expect_contains 'stalled' "$(cat "$T/err")"
	[ $((SECONDS - before)) -le 15 ] || { echo "took $((SECONDS - before)) s"; return 1; }
	[ ! -e "$ROOT/$id" ]
	nothing_left
}

no_bus_is_said_at_once() {
	local id
	new_bundle none
	id=$(new_id)
	expect_exit 1 with_bus none "$RUNTIME" --root "$ROOT" --systemd-cgroup create -b "$BUNDLE" "$id" 2>"$T/err"
	cat "$T/err"
	expect_contains 'connect to systemd' "$(cat "$T/err")"
	nothing_left
}

check 'a bus that does not answer is given up in time, and nothing is left' a_stalled_bus_has_an_end
check 'without a bus the cause is said at once' no_bus_is_said_at_once
finish
