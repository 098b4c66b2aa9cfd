#!/usr/bin/env bash
# update on a host whose cgroup v2 lacks a controller.
# not for the test machine: it has all of them
. "$(dirname "$0")/../support/lib.sh"

new_bundle one '.process.args = ["sleep", "1000"]'
ID=$(new_id)
lvm run --detach -b "$BUNDLE" "$ID"

a_missing_controller_is_explained_as_by_create() {
	local text
	new_bundle missing '.linux.resources.pids.limit = 5'
	if text=$(lvm run --detach -b "$BUNDLE" missing 2>&1); then
		skip 'the pids controller is there'
	fi
	expect_contains pids.limit "$text"
	expect_error "${text#*: *: }" lvm update --pids-limit 5 "$ID"
}

check 'a missing controller is explained as by create' a_missing_controller_is_explained_as_by_create
finish
