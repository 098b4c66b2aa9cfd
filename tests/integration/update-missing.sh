#!/usr/bin/env bash
# update on a host whose cgroup v2 lacks a controller: in a view where no controller is mounted anywhere else.
# not for the test machine: it has all of them
. "$(dirname "$0")/../support/lib.sh"

new_bundle one '.process.args = ["sleep", "1000"]'
new_bundle missing '.linux.resources.pids.limit = 5'

a_missing_controller_is_explained_as_by_create() {
	local id text
	id=$(new_id)
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m sh -c '
		umount -R -l /sys/fs/cgroup
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		grep -qw pids /sys/fs/cgroup/cgroup.controllers && exit 3
		"$1" --root "$2" run --detach -b "$3/one" "$4" </dev/null >/dev/null 2>&1 || exit 4
		"$1" --root "$2" run --detach -b "$3/missing" missing </dev/null 2>"$3/create" && exit 5
		"$1" --root "$2" update --pids-limit 5 "$4" 2>"$3/update" && exit 6
		"$1" --root "$2" delete --force "$4"' sh "$RUNTIME" "$ROOT" "$T" "$id"
	text=$(cat "$T/create")
	expect_contains pids.limit "$text"
	expect_equal "${text#*: *: }" "$(sed 's/^[^:]*: [^:]*: //' "$T/update")"
}

check 'a missing controller is explained as by create' a_missing_controller_is_explained_as_by_create
finish
