#!/usr/bin/env bash
# Programs at work: what they hold goes on after a restore as if nothing had been.
# not for the test machine: nothing of it is missing on another machine, and its times are those of a fast one
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

new_bundle busy '.process.args = ["/bin/testkit", "busy"] | .root.readonly = false'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"


one_of_everything_goes_on() { # OPTION…: of restore
	local id before
	id=$(new_id)
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/busy.1" 2>&1
	wait_for 20 has_lines "$T/busy.1" 10
	# Both ends of the connection are in the container: nothing comes from outside that a lock would hold back.
	lvm checkpoint --tcp-established --network-lock skip --image-path "$T/busy.img" "$id"
	all_is_ok "$T/busy.1"
	before=$(last "$T/busy.1")
	lvm restore -d -b "$BUNDLE" --tcp-established --network-lock skip --image-path "$T/busy.img" "$@" "$id" \
		</dev/null >"$T/busy.2" 2>&1
	wait_for 20 has_lines "$T/busy.2" 20
	all_is_ok "$T/busy.2"
	expect_equal "ok $((${before#ok } + 1))" "$(head -n 1 "$T/busy.2")"
	lvm delete --force "$id"
	rm -r "$T/busy.img"
	nothing_left
}

it_runs_on_beside_its_copy() {
	local id copy lines
	id=$(new_id) copy=$(new_id)
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/busy.1" 2>&1
	wait_for 20 has_lines "$T/busy.1" 10
	lvm checkpoint -R --tcp-established --network-lock skip --image-path "$T/busy.img" "$id"
	# Its files come and go while it runs.
	lvm pause "$id"
	cp -a "$BUNDLE" "$T/second"
	lvm resume "$id"
	lvm restore -d -b "$T/second" --tcp-established --network-lock skip --image-path "$T/busy.img" "$copy" \
		</dev/null >"$T/busy.2" 2>&1
	lines=$(wc -l <"$T/busy.1")
	wait_for 20 has_lines "$T/busy.2" 10
	wait_for 20 has_lines "$T/busy.1" $((lines + 10))
	all_is_ok "$T/busy.1"
	all_is_ok "$T/busy.2"
	lvm delete --force "$id"
	lvm delete --force "$copy"
	nothing_left
}

connections_need_a_word() {
	local id lines
	id=$(new_id)
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/busy.1" 2>&1
	wait_for 20 has_lines "$T/busy.1" 10
	expect_error 'give --tcp-established to keep' lvm checkpoint --image-path "$T/refused.img" "$id"
	lines=$(wc -l <"$T/busy.1")
	wait_for 20 has_lines "$T/busy.1" $((lines + 10))
	all_is_ok "$T/busy.1"
	lvm delete --force "$id"
}

check 'one of everything goes on where it was' one_of_everything_goes_on
check 'the same with lazy pages' one_of_everything_goes_on --lazy-pages
check 'a program runs on beside its copy' it_runs_on_beside_its_copy
check 'TCP connections are not saved unasked, and the program runs on' connections_need_a_word
finish
