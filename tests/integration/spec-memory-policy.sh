#!/usr/bin/env bash
# linux.memoryPolicy: what the kernel says of the program's own memory, in the container and by exec.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

[ -e /proc/self/numa_maps ] || skip 'this kernel has no memory policies (CONFIG_NUMA)'
new_bundle main '.process.args = ["sleep", "1000"]' || exit 1

config() { # SCRIPT POLICY: in CONFIG
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "$1" --argjson p "$2" '.process.args = ["sh", "-c", $s] | .linux.memoryPolicy = $p' \
		"$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

# The policy of the program's first mapping: its own, since nothing has changed one mapping alone.
look='sed -n "1s/^[^ ]* \([^ ]*\).*/\1/p" /proc/self/numa_maps'

sees() { # WORD POLICY
	config "$look" "$2"
	expect_output "$1" run
}

every_mode() {
	sees default '{"mode": "MPOL_DEFAULT"}'
	sees local '{"mode": "MPOL_LOCAL"}'
	sees bind:0 '{"mode": "MPOL_BIND", "nodes": "0"}'
	sees interleave:0 '{"mode": "MPOL_INTERLEAVE", "nodes": "0"}'
	sees prefer:0 '{"mode": "MPOL_PREFERRED", "nodes": "0"}'
	config "cat /proc/self/numa_maps" '{"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}'
	expect_contains 'prefer (many):0' "$(run)"
}

weighted_interleave() { # since Linux 6.9
	config "cat /proc/self/numa_maps" '{"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}'
	run >"$T/out" 2>"$T/err" || {
		grep -q 'does this kernel know the mode 6' "$T/err" || { cat "$T/err"; return 1; }
		skip 'this kernel has no weighted interleaving (Linux 6.9)'
	}
	expect_contains 'weighted interleave:0' "$(cat "$T/out")"
}

every_flag() {
	sees bind=static:0 '{"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}'
	sees interleave=relative:0 '{"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}'
	# Shown by newer kernels; that it is taken is seen in the error of a mode that cannot have it.
	config true '{"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING"]}'
	run
}

without_it_all_stays() {
	config "$look" null
	expect_output default run
}

exec_has_it_too() {
	local id
	id=$(new_id)
	config 'sleep 1000' '{"mode": "MPOL_BIND", "nodes": "0"}'
	lvm run -d -b "$BUNDLE" -f "$CONFIG" "$id"
	expect_output bind:0 lvm exec "$id" sh -c "$look"
}

wrong_ones_are_refused() {
	config true '{"mode": "MPOL_BIND"}'
	expect_error 'linux.memoryPolicy.nodes: is missing' run
	config true '{"mode": "MPOL_BEST", "nodes": "0"}'
	expect_error 'linux.memoryPolicy.mode: expected one of' run
	config true '{"nodes": "0"}'
	expect_error 'linux.memoryPolicy.mode: is missing' run
	config true '{"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]}'
	expect_error 'exclude each other' run
	config true '{"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING"]}'
	expect_error 'MPOL_F_NUMA_BALANCING goes only with' run
	nothing_left
}

a_node_that_is_not_there_is_named() {
	config true '{"mode": "MPOL_BIND", "nodes": "777"}'
	expect_error 'on one of the nodes "777"' run
	nothing_left
}

features_name_all() {
	expect_output '["MPOL_BIND","MPOL_DEFAULT","MPOL_INTERLEAVE","MPOL_LOCAL","MPOL_PREFERRED","MPOL_PREFERRED_MANY","MPOL_WEIGHTED_INTERLEAVE"]' \
		jq -c '.linux.memoryPolicy.modes | sort' <(lvm features)
	expect_output '["MPOL_F_NUMA_BALANCING","MPOL_F_RELATIVE_NODES","MPOL_F_STATIC_NODES"]' \
		jq -c '.linux.memoryPolicy.flags | sort' <(lvm features)
}

check 'each mode is what the kernel says of the program' every_mode
check 'weighted interleaving' weighted_interleave
check 'each flag is taken' every_flag
check 'without a policy the program has the default' without_it_all_stays
check 'a process that joins has it too' exec_has_it_too
check 'modes, nodes and flags that do not fit are refused' wrong_ones_are_refused
check 'a node without memory is named' a_node_that_is_not_there_is_named
check 'features name every mode and flag' features_name_all
finish
