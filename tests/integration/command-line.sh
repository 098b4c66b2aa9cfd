#!/usr/bin/env bash
# The command line as people and engines meet it: help, version, usage errors, the log, what is
# printed about the program itself. No container is made here.
# not for the test machine: it has a journal, whose absence one sub-test wants
. "$(dirname "$0")/../support/lib.sh"

# one_error_in FILE: exactly one JSON object a line, one line, of the shape that engines read.
one_error_in() {
	expect_equal 1 "$(wc -l <"$1")"
	jq -e '.level == "error" and (.msg | length > 0) and
		(.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$"))' "$1"
}

usage_error() { # TEXT WORD…: exit 1, one line, the text in it
	local text=$1 got
	shift
	got=$(expect_exit 1 lvm "$@" 2>&1 >/dev/null) || { echo "$got"; return 1; }
	expect_equal 1 "$(wc -l <<<"$got")"
	expect_contains "$text" "$got"
}

version_begins_with_the_name() {
	expect_contains 'lvm-run version ' "$("$RUNTIME" --version | head -n 1)"
	ln -s "$RUNTIME" "$T/runc"
	ln -s "$RUNTIME" "$T/crun"
	expect_contains 'runc version ' "$("$T/runc" --version | head -n 1)"
	expect_contains 'crun version ' "$("$T/crun" -v | head -n 1)"
	expect_equal "$("$RUNTIME" --version)" "$("$RUNTIME" version)"
}

version_has_the_lines_that_engines_parse() {
	"$RUNTIME" --version >"$T/version"
	grep -E '^commit: .' "$T/version"
	grep -Fx 'spec: 1.3.0' "$T/version"
	grep -E '\+SECCOMP( |$)' "$T/version"
}

help_exits_zero() {
	local verb
	expect_contains 'usage: lvm-run' "$("$RUNTIME" --help)"
	for verb in create start run exec kill delete state list ps pause resume update mounts stats events wait checkpoint restore snapshot revert clone template spec validate features doctor gc; do
		expect_contains "usage: lvm-run $verb" "$("$RUNTIME" "$verb" --help)"
		expect_equal "$("$RUNTIME" "$verb" -h)" "$("$RUNTIME" help "$verb")"
	done
}

verbs_to_come_are_unknown() {
	usage_error "unknown verb 'migrate'" migrate --help
	usage_error "unknown verb 'freeze'" freeze x y
}

usage_errors_name_what_is_wrong() {
	usage_error 'unknown option --nothing' --nothing state x
	usage_error "create: unknown option --nothing; see 'lvm-run create --help'" create --nothing x
	usage_error 'option --bundle requires an argument' create --bundle
	usage_error 'ID is missing' start
	usage_error "unexpected word 'b'" start a b
	usage_error 'is none of table|json' list --format yaml
	usage_error 'is none of cgroupfs|systemd|disabled' --cgroup-manager=none list
	usage_error "unknown signal 'NOSIG'" kill x NOSIG
	usage_error 'no verb given'
}

exec_without_a_command_fails() {
	expect_exit 255 lvm exec x 2>"$T/err"
	expect_contains 'a command or --process is missing' "$(cat "$T/err")"
}

unknown_containers_are_named() {
	local verb
	for verb in start state pause resume delete kill ps wait; do
		expect_error "lvm-run: $verb nobody: " lvm "$verb" nobody
		expect_error ': container does not exist' lvm "$verb" nobody
	done
}

a_failure_is_one_json_object_in_the_log() {
	expect_exit 1 lvm --log "$T/one.json" --log-format json start nobody 2>"$T/err"
	one_error_in "$T/one.json"
	expect_contains 'container does not exist' "$(cat "$T/err")"
	expect_equal "$(cat "$T/err")" "lvm-run: $(jq -r .msg "$T/one.json")"
	expect_exit 1 lvm --log="file:$T/two.json" --log-format=json create --nothing x
	one_error_in "$T/two.json"
}

success_leaves_the_log_empty() {
	lvm --log "$T/empty.json" --log-format json list
	expect_equal '' "$(cat "$T/empty.json")"
}

a_text_log_has_the_same_line() {
	expect_exit 1 lvm --log "$T/text.log" start nobody 2>"$T/err"
	expect_equal "$(cat "$T/err")" "$(cat "$T/text.log")"
}

both_spellings_and_places_of_options_work() {
	lvm --rootless=true --systemd-cgroup list --format=json
	lvm --rootless auto --cgroup-manager disabled list -f json
	lvm --debug=false list -q
	expect_equal "$(lvm list --format json)" "$(lvm list -f=json)"
}

features_needs_no_state_root() {
	"$RUNTIME" --root "$T/none" features >"$T/features.json"
	jq -e '.ociVersionMax == "1.3.0" and (.mountOptions | index("rro")) and
		(.linux.namespaces | index("user"))' "$T/features.json"
	[ ! -e "$T/none" ]
}

an_empty_list_is_a_heading_or_an_empty_array() {
	expect_equal 'ID PID STATUS BUNDLE CREATED OWNER' "$(lvm list | xargs)"
	expect_equal '[]' "$(lvm list --format json | jq -c .)"
	expect_equal '' "$(lvm list -q)"
}

half_made_and_damaged_containers_are_listed() {
	mkdir "$ROOT/half" "$ROOT/torn"
	printf '{' >"$ROOT/torn/record.json"
	expect_equal 'half 0 creating' "$(lvm list | grep '^half' | xargs)"
	expect_equal 'torn 0 damaged' "$(lvm list | grep '^torn' | xargs)"
	expect_equal 'half creating torn damaged' "$(lvm list -f json | jq -r '.[] | .id, .status' | xargs)"
	expect_equal creating "$(lvm state half | jq -r .status)"
	expect_error 'lvm-run: state torn: ' lvm state torn
	lvm delete --force half
	lvm delete --force torn
	expect_equal '' "$(lvm list -q)"
}

spec_never_overwrites() {
	mkdir "$T/spec"
	"$RUNTIME" spec --bundle "$T/spec"
	jq -e '.ociVersion and .process.args' "$T/spec/config.json"
	cp "$T/spec/config.json" "$T/spec.before"
	expect_error 'config.json exists already' "$RUNTIME" spec -b "$T/spec"
	cmp "$T/spec.before" "$T/spec/config.json"
	expect_equal "$(cat "$T/spec.before")" "$("$RUNTIME" spec -f -)"
	"$RUNTIME" spec --rootless -b "$T/spec" -f rootless.json
	jq -e '[.linux.namespaces[].type] | index("user")' "$T/spec/rootless.json"
}

the_manual_page_formats_without_warnings() {
	command -v groff >/dev/null || skip 'groff is not installed'
	"$RUNTIME" man >"$T/lvm-run.1"
	expect_equal '' "$(groff -man -Tutf8 -ww -z "$T/lvm-run.1" 2>&1)"
	[ "$(groff -man -Tutf8 "$T/lvm-run.1" | wc -l)" -gt 200 ]
}

complete_words() { # WORD…: what bash would offer for the last one; none is no failure of ours
	trap - ERR
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_lvm_run
	printf '%s\n' "${COMPREPLY[@]}" | xargs
}

the_completion_completes() {
	"$RUNTIME" completion bash >"$T/completion"
	bash -n "$T/completion"
	# shellcheck source=/dev/null
	. "$T/completion"
	expect_equal 'start sandbox snapshot stats state spec' "$(complete_words "$RUNTIME" s)"
	expect_equal 'table json' "$(complete_words "$RUNTIME" --root "$ROOT" list --format '')"
	expect_equal '--pid-file --pidfd-socket' "$(complete_words "$RUNTIME" create --pid | xargs -n1 | sort | xargs)"
	expect_equal '' "$(complete_words "$RUNTIME" --root "$ROOT" start '')"
	expect_equal 'bash' "$(complete_words "$RUNTIME" completion '')"
}

doctor_says_the_same_as_text_and_as_json() {
	lvm doctor >"$T/doctor"
	lvm doctor --json >"$T/doctor.json"
	expect_contains 'Containers can run here.' "$(tail -n 1 "$T/doctor")"
	jq -e '.usable and (.checks | length > 20) and
		all(.checks[]; (.status == "ok") == (.advice == null))' "$T/doctor.json"
	expect_equal "$(jq -r '.checks[] | select(.status != "ok") | .name' "$T/doctor.json")" \
		"$(sed -n -E 's/^  (note|missing|fatal) +//p' "$T/doctor" | sed 's/  .*//')"
}

check 'the version begins with the name it was called by' version_begins_with_the_name
check 'the version has the lines that engines parse' version_has_the_lines_that_engines_parse
check 'help of every verb exits 0' help_exits_zero
check 'verbs that do not exist are no success, even with --help' verbs_to_come_are_unknown
check 'usage errors are one line that names what is wrong' usage_errors_name_what_is_wrong
check 'exec without a command fails with 255' exec_without_a_command_fails
check 'an unknown container is named in the words that engines look for' unknown_containers_are_named
check 'a failure is exactly one JSON object in the log' a_failure_is_one_json_object_in_the_log
# with_service SOCKET COMMAND…: where something listens there; $T/heard is what it was sent.
with_service() {
	# shellcheck disable=SC2016
	unshare -m bash -c '
		mount -t tmpfs none "${1%%/${1#/*/}}" && mkdir -p "${1%/*}" || exit 99
		[ -e /dev/null ] || mknod -m 666 /dev/null c 1 3
		"$TESTKIT" notified "$1" >"$T/heard" &
		until [ -S "$1" ]; do sleep 0.01; done
		shift
		"$@"
		status=$?
		for ((turn = 0; turn < 3000; turn++)); do [ ! -s "$T/heard" ] || break; sleep 0.01; done
		kill "$!"
		exit $status' bash "$@"
}

the_log_may_be_the_journal_or_syslog() {
	[ "$(id -u)" -eq 0 ] || skip 'needs root (a private /run and /dev)'
	expect_exit 1 with_service /run/systemd/journal/socket "$RUNTIME" --root "$ROOT" --log journald:web start nobody 2>"$T/err"
	expect_equal 'PRIORITY=3 SYSLOG_IDENTIFIER=web MESSAGE=start nobody: container does not exist ' "$(cat "$T/heard")"
	expect_exit 1 with_service /dev/log "$RUNTIME" --root "$ROOT" --log syslog:web start nobody 2>"$T/err"
	expect_equal '<27>web: start nobody: container does not exist' "$(cat "$T/heard")"
	expect_equal 'lvm-run: start nobody: container does not exist' "$(cat "$T/err")"
}

a_log_that_nobody_takes_is_an_error() {
	[ ! -S /run/systemd/journal/socket ] || skip 'there is a journal here'
	usage_error 'option --log: connect to /run/systemd/journal/socket: No such file' --log journald:x list
}

check 'the log may be the journal or syslog' the_log_may_be_the_journal_or_syslog
check 'a log that nobody takes is an error' a_log_that_nobody_takes_is_an_error
check 'success leaves the log empty' success_leaves_the_log_empty
check 'a text log has the line of standard error' a_text_log_has_the_same_line
check 'options are known in both spellings, before and after the verb' both_spellings_and_places_of_options_work
check 'features needs no state root and makes none' features_needs_no_state_root
check 'an empty list is a heading or an empty array' an_empty_list_is_a_heading_or_an_empty_array
check 'half-made and damaged containers are listed' half_made_and_damaged_containers_are_listed
check 'spec writes a configuration and never overwrites one' spec_never_overwrites
check 'the manual page formats without warnings' the_manual_page_formats_without_warnings
check 'the completion script completes verbs, options and values' the_completion_completes
check 'doctor says the same as text and as JSON' doctor_says_the_same_as_text_and_as_json
finish
