#!/usr/bin/env bash
# The kill harness with the systemd driver: whatever is killed at whatever moment, one `delete --force` leaves no process, scope,
# group, mount or file.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

not_for_crun 'the harness needs delete to find what has no record'

nothing_is_left() {
	"$(dirname "${BASH_SOURCE[0]}")/../../kill/run" "${KILLS:-40}" --systemd --slow 10 --part kills
}

no_unit_is_left() {
	systemctl list-units --all --plain --no-legend '*kill-*' >"$T/units"
	expect_no_line -v '^lvmkill' "$T/units"
}

check 'kills at random moments leave nothing' nothing_is_left
check 'systemd has no unit of theirs any more' no_unit_is_left
finish
