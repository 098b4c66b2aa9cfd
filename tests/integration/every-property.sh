#!/usr/bin/env bash
# Every property of the specification is known, and none is refused as such (tests/coverage).
. "$(dirname "$0")/../support/lib.sh"

mkdir -p "$T/all/rootfs" || exit 1
cp "$TOP/tests/coverage/every-property.json" "$T/all/config.json" || exit 1

findings() { # LEVEL: of the last validate
	jq -r --arg level "$1" '.findings[] | select(.level == $level) | .path + ": " + .text' "$T/findings"
}

every_property_is_known() {
	lvm validate --format json "$T/all" >"$T/findings"
	cat "$T/findings"
	expect_equal '' "$(findings error)"
	expect_equal '' "$(findings note)"
}

a_property_that_is_unknown_is_noted() {
	local all=$T/all/config.json
	jq '.linux.resources.memory.unheardOf = 1' "$all" >"$T/config" && cp "$T/config" "$all"
	lvm validate --format json "$T/all" >"$T/findings"
	findings note | grep -F linux.resources.memory.unheardOf
}

check 'every property of the specification is known and accepted' every_property_is_known
check 'a property that is none is noted' a_property_that_is_unknown_is_noted
finish
