#!/usr/bin/env bash
# Managed roots: --overlay and --overlay-keep of run and create, and what is left of them in the store.
# not for the test machine: nothing of it is missing on another machine
. "$(dirname "$0")/../support/lib.sh"
[ "$(id -u)" -eq 0 ] || skip 'needs root'
STORE=$T/store
lvm() { "$RUNTIME" --root "$ROOT" --store "$STORE" "$@"; }

new_bundle base '.root.readonly = false'
BASE=$BUNDLE
TREE=$BASE/rootfs
mkdir "$T/top"
echo top >"$T/top/top"
program() { jq --arg c "$1" '.process.args = ["sh", "-c", $c]' "$BASE/config.json" >"$T/config.json"; }
run() { program "$2" && lvm run -b "$BASE" -f "$T/config.json" --overlay "${OVERLAY-$T/top:$TREE}" "${@:3}" "$1"; }
layers() { find "$STORE/layers" -mindepth 1 -maxdepth 1 | wc -l; }
# Of all that a test made nothing is in the store.
nothing_stored() { expect_equal '' "$(find "$STORE" -mindepth 2)"; }

layers_are_stacked_and_the_lower_ones_are_only_read() {
	# shellcheck disable=SC2016 # for the shell in the container
	expect_equal 'top busybox' "$(run "$(new_id)" 'cat /top | tr "\n" " "; basename $(readlink /bin/sh || echo busybox); echo new >/top; rm /bin/true; mkdir /etc/d')"
	expect_equal top "$(cat "$T/top/top")"
	[ -e "$TREE/bin/true" ] && [ ! -e "$TREE/etc/d" ]
	nothing_left
	nothing_stored
}

a_kept_layer_is_there_again() {
	local id
	id=$(new_id)
	run "$id" 'echo one >/kept; rm /bin/true' --overlay-keep
	nothing_left
	expect_equal 'one no' "$(run "$id" 'cat /kept | tr "\n" " "; [ -e /bin/true ] && echo yes || echo no')"
	expect_equal 1 "$(layers)"
	OVERLAY=$TREE expect_error 'has other layers than --overlay' run "$id" :
	expect_equal 1 "$(layers)"
	nothing_left
}

create_start_delete_too() {
	local id
	id=$(new_id)
	program 'echo made >/made; exec sleep 100'
	lvm create -b "$BASE" -f "$T/config.json" --overlay "$TREE" "$id" </dev/null >/dev/null 2>&1
	expect_equal "$STORE/roots/$id" "$(readlink "$ROOT/$id/disk")"
	lvm start "$id"
	wait_for 5 lvm exec "$id" cat /made
	expect_equal "$STORE/roots/$id/root" "$(lvm state "$id" | jq -r .rootfs)"
	expect_equal '' "$(ls "$STORE/roots/$id/root")"
	lvm delete --force "$id"
	nothing_left
	[ ! -e "$STORE/roots/$id" ]
}

a_failed_creation_leaves_nothing() {
	local id before
	id=$(new_id)
	before=$(find "$STORE" -mindepth 2 | sort)
	OVERLAY=$T/none expect_error '--overlay: ' run "$id" :
	OVERLAY=$TREE::$TREE expect_error 'an empty name' run "$id" :
	program :
	jq '.process.args = ["/no/such/program"]' "$T/config.json" >"$T/bad.json"
	expect_error 'no/such/program' lvm run -b "$BASE" -f "$T/bad.json" --overlay "$TREE" "$id"
	expect_error 'needs --overlay' lvm run -b "$BASE" --overlay-keep "$id"
	nothing_left
	expect_equal "$before" "$(find "$STORE" -mindepth 2 | sort)"
}

colons_and_backslashes_in_names() {
	mkdir -p "$T/a:b\\c"
	echo odd >"$T/a:b\\c/odd"
	OVERLAY="$T/a\\:b\\\\c:$TREE" expect_output odd run "$(new_id)" 'cat /odd'
}

handles_and_open_files() {
	local mounts
	mounts=$(run "$(new_id)" 'grep " / overlay" /proc/mounts')
	expect_contains index=on "$mounts"
	expect_contains nfs_export=on "$mounts"
}

the_root_of_the_stack_is_that_of_its_top() {
	chmod 1775 "$T/top"
	chown 12:34 "$T/top"
	expect_output '1775 12 34' run "$(new_id)" 'stat -c "%a %u %g" /'
}

deep_and_odd_trees_go_away() {
	local id
	id=$(new_id)
	# shellcheck disable=SC2016 # for the shell in the container
	OVERLAY=$TREE run "$id" 'i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit; i=$((i+1)); done; touch f; mkfifo p; mkdir x; chmod 0 x'
	nothing_left
	[ ! -e "$STORE/roots/$id" ]
	expect_equal '' "$(find "$STORE/trash" -mindepth 1)"
}

a_damaged_record_is_no_obstacle_to_delete() {
	local id
	id=$(new_id)
	program 'exec sleep 100'
	lvm run -d -b "$BASE" -f "$T/config.json" --overlay "$TREE" "$id" </dev/null >/dev/null 2>&1
	echo '{' >"$STORE/roots/$id/disk.json"
	lvm delete --force "$id"
	nothing_left
	[ ! -e "$STORE/roots/$id" ]
}

of_another_state_root_it_is_left_alone() {
	local id
	id=$(new_id)
	run "$id" : --overlay-keep
	program :
	expect_error "of a container below $ROOT" "$RUNTIME" --root "$T/other" --store "$STORE" \
		run -b "$BASE" -f "$T/config.json" --overlay "$T/top:$TREE" "$id"
	[ -e "$STORE/roots/$id/disk.json" ]
}

check 'layers are stacked, the lower ones are only read' layers_are_stacked_and_the_lower_ones_are_only_read
check 'a kept layer is there again for the next container of that id' a_kept_layer_is_there_again
check 'create, start and delete --force' create_start_delete_too
check 'a creation that fails leaves nothing' a_failed_creation_leaves_nothing
check 'colons and backslashes in names' colons_and_backslashes_in_names
check 'the overlay has file handles (index, nfs_export)' handles_and_open_files
check 'owner and mode of / are those of the topmost directory' the_root_of_the_stack_is_that_of_its_top
check 'a tree 1500 directories deep goes away' deep_and_odd_trees_go_away
check 'a damaged record is no obstacle to delete --force' a_damaged_record_is_no_obstacle_to_delete
check 'a root of another state root is left alone' of_another_state_root_it_is_left_alone
finish
