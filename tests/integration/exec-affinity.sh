#!/usr/bin/env bash
# process.execCPUAffinity: the program of exec runs on the CPUs that are asked for.
. "$(dirname "$0")/../support/lib.sh"

[ "$(nproc)" -ge 2 ] || { echo 'SKIP needs two CPUs to tell them apart'; exit 77; }

new_bundle one '.process.args = ["sleep", "1000"]'
ID=$(new_id)
lvm run --detach -b "$BUNDLE" "$ID"
AFFINITY=/proc/self/status

run_on() { # AFFINITY-JSON: prints the CPUs that the program of exec may use
	jq --argjson cpus "$1" --arg file "$AFFINITY" '.process
		| .args = ["sed", "-n", "s/^Cpus_allowed_list:[[:blank:]]*//p", $file]
		| .execCPUAffinity = $cpus' "$BUNDLE/config.json" >"$T/process.json"
	lvm exec --process "$T/process.json" "$ID"
}

final_binds_the_program() {
	expect_output 1 run_on '{"final": "1"}'
	expect_output 0 run_on '{"initial": "1", "final": "0"}'
}

all_of_the_container_without_final() {
	local all
	all=$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' /proc/self/status)
	expect_output "$all" run_on '{"initial": "1"}'
	expect_output "$all" run_on 'null'
}

the_affinity_of_the_caller_is_not_handed_down() {
	local all
	all=$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' /proc/self/status)
	new_bundle two '.process.args = ["sed", "-n", "s/^Cpus_allowed_list:[[:blank:]]*//p", "/proc/self/status"]'
	expect_output "$all" taskset -c 0 "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" "$(new_id)"
	expect_output "$all" taskset -c 0 "$RUNTIME" --root "$ROOT" exec "$ID" sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' "$AFFINITY"
}

cpus_that_are_not_there_are_an_error() {
	expect_error 'process.execCPUAffinity.final: sched_setaffinity: Invalid argument' \
		run_on '{"final": "8000"}'
	expect_error 'process.execCPUAffinity.initial' run_on '{"initial": "9000"}'
}

check 'the final CPUs bind the program' final_binds_the_program
check 'without final CPUs the program has all of the container' all_of_the_container_without_final
check 'the affinity of the caller is not handed down' the_affinity_of_the_caller_is_not_handed_down
check 'CPUs that the machine does not have are an error' cpus_that_are_not_there_are_an_error
finish
