#!/usr/bin/env bash
# linux.intelRdt over a FAKE resctrl tree: no machine here has a processor with it. Plain folders and files stand
# for the file system (LVM_RUN_RESCTRL); what the kernel does by itself (filling a new class with files, and
# taking them away with it) the test does by hand. Written is what is appended to a file.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
FAKE=$T/resctrl
export LVM_RUN_RESCTRL=$FAKE

config() { # RDT [FILTER…]: in CONFIG
	local filter=. part
	for part in "${@:2}"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --argjson r "$1" "$filter | .linux.intelRdt = \$r" "$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }
start_one() { # sets ID and PID
	ID=$(new_id)
	lvm run -d -b "$BUNDLE" -f "$CONFIG" "$ID"
	PID=$(lvm state "$ID" | jq .pid)
}

fresh() {
	rm -rf "$FAKE"
	mkdir -p "$FAKE/info/L3" "$FAKE/info/MB" "$FAKE/mon_groups"
	printf 'fffff\n' >"$FAKE/info/L3/cbm_mask"
	printf '1\n' >"$FAKE/info/L3/min_cbm_bits"
	printf '16\n' >"$FAKE/info/L3/num_closids"
	printf '10\n' >"$FAKE/info/MB/bandwidth_gran"
	printf '1\n' >"$FAKE/info/MB/delay_linear"
	printf '10\n' >"$FAKE/info/MB/min_bandwidth"
	printf '8\n' >"$FAKE/info/MB/num_closids"
	printf '    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n' >"$FAKE/schemata"
	: >"$FAKE/tasks"
	class gold '    L3:0=0000f;1=fffff\n    MB:0= 50;1=100\n'
}
class() { # NAME SCHEMATA
	mkdir -p "$FAKE/$1/mon_groups"
	# shellcheck disable=SC2059 # newlines
	printf "$2" >"$FAKE/$1/schemata"
	: >"$FAKE/$1/tasks"
}
# What the kernel does when a class is removed.
empty() { rm -f "$1/tasks" "$1/schemata"; [ ! -d "$1/mon_groups" ] || rmdir "$1/mon_groups"; }

a_class_of_its_own() {
	fresh
	config '{"l3CacheSchema": "L3:0=f0;1=f\nMB:0=99", "memBwSchema": "MB:0=20;1=70", "schemata": ["L2:0=3", "MB:0=30"]}'
	start_one
	expect_equal "L3:0=f0;1=f MB:0=20;1=70 L2:0=3 MB:0=30" "$(xargs <"$FAKE/$ID/schemata")"
	expect_equal "$PID" "$(cat "$FAKE/$ID/tasks")"
	lvm exec "$ID" true
	expect_equal 2 "$(wc -l <"$FAKE/$ID/tasks")"
	grep -q "^resctrl-group $FAKE/$ID " "$ROOT/$ID/journal"
	empty "$FAKE/$ID"
	lvm delete --force "$ID"
	[ ! -e "$FAKE/$ID" ]
}

without_schemas_it_is_made_all_the_same() {
	fresh
	config '{}'
	start_one
	expect_equal "$PID" "$(cat "$FAKE/$ID/tasks")"
	[ ! -e "$FAKE/$ID/schemata" ]
	empty "$FAKE/$ID"
	lvm delete --force "$ID"
	[ ! -e "$FAKE/$ID" ]
}

a_class_that_exists_is_joined_and_stays() {
	local rdt
	for rdt in '{"closID": "gold"}' '{"closID": "gold", "l3CacheSchema": "L3:1=fffff;0=f"}' \
		'{"closID": "gold", "memBwSchema": "MB:0=50"}' '{"closID": "gold", "schemata": ["L3:0=f", "MB:1=100"]}'; do
		fresh
		config "$rdt"
		start_one
		expect_equal "$PID" "$(cat "$FAKE/gold/tasks")"
		expect_equal 'L3:0=0000f;1=fffff MB:0= 50;1=100' "$(xargs <"$FAKE/gold/schemata")"
		lvm delete --force "$ID"
		[ -e "$FAKE/gold/tasks" ]
	done
	config '{"closID": "/"}'
	start_one
	expect_equal "$PID" "$(cat "$FAKE/tasks")"
	lvm delete --force "$ID"
}

a_class_with_other_schemata_is_an_error() {
	local rdt
	fresh
	for rdt in '{"closID": "gold", "l3CacheSchema": "L3:0=ff"}' '{"closID": "gold", "memBwSchema": "MB:0=50;1=50"}' \
		'{"closID": "gold", "schemata": ["L3:2=f"]}' '{"closID": "gold", "schemata": ["L2:0=f"]}'; do
		config "$rdt"
		expect_error 'exists with other schemata' run
	done
	expect_equal '' "$(cat "$FAKE/gold/tasks")"
	nothing_left
}

a_class_must_exist_or_be_described() {
	fresh
	config '{"closID": "silver"}'
	expect_error 'linux.intelRdt.closID: there is no class of service silver' run
	[ ! -e "$FAKE/silver" ]
	config '{"closID": "silver", "l3CacheSchema": "L3:0=f"}'
	start_one
	expect_equal L3:0=f "$(cat "$FAKE/silver/schemata")"
	empty "$FAKE/silver"
	lvm delete --force "$ID"
	[ ! -e "$FAKE/silver" ]
	nothing_left
}

a_class_that_others_live_in_stays() {
	fresh
	config '{"closID": "bronze", "l3CacheSchema": "L3:0=f"}'
	start_one
	echo $$ >>"$FAKE/bronze/tasks"
	lvm delete --force "$ID"
	[ -d "$FAKE/bronze" ]
}

monitoring() {
	fresh
	config '{"closID": "gold", "enableMonitoring": true}'
	start_one
	expect_equal "$PID" "$(cat "$FAKE/gold/tasks")"
	expect_equal "$PID" "$(cat "$FAKE/gold/mon_groups/$ID/tasks")"
	rm "$FAKE/gold/mon_groups/$ID/tasks"
	lvm delete --force "$ID"
	[ ! -e "$FAKE/gold/mon_groups/$ID" ]
	[ -d "$FAKE/gold" ]
}

a_failed_create_leaves_nothing() {
	fresh
	# The hook does what the kernel would have done with the files.
	config '{"l3CacheSchema": "L3:0=f"}' '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "rm -f '"$FAKE"'/t*/tasks '"$FAKE"'/t*/schemata; exit 1"]}]'
	expect_error hook run
	expect_equal '' "$(find "$FAKE" -maxdepth 1 -name 't[0-9]*')"
	nothing_left
}

run_in_the_foreground_cleans_up() {
	fresh
	ID=$(new_id)
	config '{}' '.process.args = ["true"]' '.hooks.poststart = [{"path": "/bin/sh", "args": ["sh", "-c", "rm -f '"$FAKE/$ID"'/tasks"]}]'
	lvm run -b "$BUNDLE" -f "$CONFIG" "$ID"
	[ ! -e "$FAKE/$ID" ]
	nothing_left
}

a_killed_create_is_cleaned_up() {
	local job
	fresh
	ID=$(new_id)
	config '{"enableMonitoring": true}' '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]'
	mkdir -p "$FAKE/$ID/none" && rmdir "$FAKE/$ID/none" "$FAKE/$ID"
	# Monitoring groups are made in a folder that the kernel makes.
	class "$ID" ''
	rm -r "${FAKE:?}/$ID"
	config '{}' '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]'
	"$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID" &
	job=$!
	wait_for 10 test -s "$FAKE/$ID/tasks"
	kill -KILL "$job"
	wait "$job" || :
	rm "$FAKE/$ID/tasks"
	lvm delete --force "$ID"
	[ ! -e "$FAKE/$ID" ]
	nothing_left
}

update_changes_the_class() {
	fresh
	config '{"l3CacheSchema": "L3:0=f0"}'
	start_one
	lvm update --l3-cache-schema 'L3:0=ff' --mem-bw-schema 'MB:0=40' "$ID"
	expect_equal 'L3:0=f0 L3:0=ff MB:0=40' "$(xargs <"$FAKE/$ID/schemata")"
	# What comes with it is refused: the class is set back.
	expect_error memory lvm update --l3-cache-schema 'L3:0=1' --memory-swap 5 "$ID"
	expect_equal 'L3:0=1 L3:0=f0 L3:0=ff MB:0=40' "$(tail -n 4 "$FAKE/$ID/schemata" | xargs)"
	expect_error '--mem-bw-schema' lvm update --mem-bw-schema L3:0=f "$ID"
	config '{"closID": "/"}'
	start_one
	expect_error 'the default class of the host' lvm update --l3-cache-schema L3:0=f "$ID"
	config null
	start_one
	expect_error 'created without it' lvm update --l3-cache-schema L3:0=f "$ID"
}

events_tell_of_the_class() {
	local node
	fresh
	config '{"closID": "gold", "enableMonitoring": true}'
	start_one
	for node in 00 01; do
		mkdir -p "$FAKE/gold/mon_groups/$ID/mon_data/mon_L3_$node"
		echo "1$node" >"$FAKE/gold/mon_groups/$ID/mon_data/mon_L3_$node/llc_occupancy"
		echo "2$node" >"$FAKE/gold/mon_groups/$ID/mon_data/mon_L3_$node/mbm_total_bytes"
		echo "3$node" >"$FAKE/gold/mon_groups/$ID/mon_data/mon_L3_$node/mbm_local_bytes"
	done
	lvm events --stats "$ID" | jq -cS .data.intel_rdt >"$T/rdt"
	expect_equal '{"cmt_stats":[{"llc_occupancy":100},{"llc_occupancy":101}],"l3_cache_info":{"cbm_mask":"fffff","min_cbm_bits":1,"num_closids":16},"l3_cache_schema":"L3:0=0000f;1=fffff","l3_cache_schema_root":"L3:0=fffff;1=fffff","mbm_stats":[{"mbm_local_bytes":300,"mbm_total_bytes":200},{"mbm_local_bytes":301,"mbm_total_bytes":201}],"mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8},"mem_bw_schema":"MB:0= 50;1=100","mem_bw_schema_root":"MB:0=100;1=100"}' "$(cat "$T/rdt")"
	config null
	start_one
	expect_output '{}' jq -c .data.intel_rdt <(lvm events --stats "$ID")
}

without_the_file_system_it_is_refused() {
	unset LVM_RUN_RESCTRL
	if grep -q ' resctrl ' /proc/mounts; then skip 'not for the test machine: resctrl is mounted'; fi
	config '{"closID": "gold"}'
	expect_error 'linux.intelRdt: no resctrl file system is mounted' run
	nothing_left
}

wrong_values_are_refused() {
	fresh
	config '{"closID": "a/b"}'
	expect_error 'linux.intelRdt.closID: "a/b" is no name' run
	config '{"memBwSchema": "L3:0=f"}'
	expect_error 'linux.intelRdt.memBwSchema' run
	config '{"schemata": ["x"]}'
	expect_error 'linux.intelRdt.schemata[0]' run
}

check 'a class of its own is made, written, joined by exec, and removed (fake tree)' a_class_of_its_own
check 'a class is made without any schema, too (fake tree)' without_schemas_it_is_made_all_the_same
check 'a class that exists is joined, compared and left there (fake tree)' a_class_that_exists_is_joined_and_stays
check 'a class with other schemata is an error (fake tree)' a_class_with_other_schemata_is_an_error
check 'a class must be there, or be described (fake tree)' a_class_must_exist_or_be_described
check 'a class in which others live is not removed (fake tree)' a_class_that_others_live_in_stays
check 'a monitoring group is made and removed (fake tree)' monitoring
check 'a create that fails leaves no class (fake tree)' a_failed_create_leaves_nothing
check 'run removes the class at its end (fake tree)' run_in_the_foreground_cleans_up
check 'a create that is killed leaves what delete --force removes (fake tree)' a_killed_create_is_cleaned_up
check 'update writes the schemas, all or none (fake tree)' update_changes_the_class
check 'events tell of the class (fake tree)' events_tell_of_the_class
check 'without resctrl it is refused' without_the_file_system_it_is_refused
check 'wrong values are refused by their path' wrong_values_are_refused
check 'features claim it' expect_output '{"enabled":true,"schemata":true,"monitoring":true}' jq -c .linux.intelRdt <(lvm features)
finish
