#!/bin/bash
# What needs CAP_SYS_RESOURCE, which a container's host may lack.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

shared_bundle

negative_oom_score() {
	config '.process.args = ["cat", "/proc/self/oom_score_adj"]' '.process.oomScoreAdj = -777'
	expect_output -777 lvm run --bundle "$BUNDLE" "$(new_id)"
}

exec_has_its_own_oom_score() {
	local id
	not_for_crun 'exec ignores oomScoreAdj'
	id=$(new_id)
	config "$idle" '.process.oomScoreAdj = 100'
	started "$id"
	jq '.process | .args = ["cat", "/proc/self/oom_score_adj"] | .oomScoreAdj = -5' "$BUNDLE/config.json" >"$T/process.json"
	expect_output -5 lvm exec --process "$T/process.json" "$id"
	expect_equal 100 "$(cat "/proc/$(pid_of "$id")/oom_score_adj")"
	lvm delete --force "$id"
}

# Above the hard limits that we have ourselves.
raised_rlimits() {
	(
		ulimit -n 1000
		ulimit -u 500
		config '.process.args = ["cat", "/proc/self/limits"]' '.process.rlimits = [
			{ type: "RLIMIT_NOFILE", soft: 4000, hard: 5000 }, { type: "RLIMIT_NPROC", soft: 6000, hard: 7000 },
			{ type: "RLIMIT_MEMLOCK", soft: 1073741824, hard: 2147483648 }, { type: "RLIMIT_CORE", soft: 0, hard: 0 },
			{ type: "RLIMIT_NICE", soft: 30, hard: 30 }, { type: "RLIMIT_RTPRIO", soft: 50, hard: 60 }]'
		lvm run --bundle "$BUNDLE" "$(new_id)"
	) >"$T/limits"
	expect_match 'Max open files +4000 +5000' "$(cat "$T/limits")"
	expect_match 'Max processes +6000 +7000' "$(cat "$T/limits")"
	expect_match 'Max locked memory +1073741824 +2147483648' "$(cat "$T/limits")"
	expect_match 'Max core file size +0 +0' "$(cat "$T/limits")"
	expect_match 'Max nice priority +30 +30' "$(cat "$T/limits")"
	expect_match 'Max realtime priority +50 +60' "$(cat "$T/limits")"
}

exec_has_the_raised_rlimits() {
	local id
	not_for_crun 'exec without --process ignores the rlimits'
	id=$(new_id)
	config "$idle" '.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 4000, hard: 5000 }]'
	(ulimit -n 1000 && started "$id")
	expect_match 'Max open files +4000 +5000' "$(ulimit -n 1000; lvm exec "$id" cat /proc/self/limits)"
	lvm delete --force "$id"
}

check 'a negative oomScoreAdj is set' negative_oom_score
check 'exec sets its own, lower oomScoreAdj' exec_has_its_own_oom_score
check 'rlimits go above the hard limits of the caller' raised_rlimits
check 'exec has the rlimits of the container' exec_has_the_raised_rlimits
finish
