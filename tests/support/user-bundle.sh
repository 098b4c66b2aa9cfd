# shellcheck shell=bash disable=SC2034 # tests read what is set
# What tests of containers without root share, after user.sh: the bundle main of tester, which waits, and
#
#   config FILTER…            CONFIG, the configuration of BUNDLE (BASE: another one than config.json)
#   sh_config SCRIPT FILTER…  the same with a shell script as its program, without a terminal
#   run, run_quiet            a container of CONFIG; quiet: without a cgroup, so without the warning
#   start_one FILTER…         one of CONFIG that runs; sets ID and PID
#   status_is ID STATUS, none_left
. "${BASH_SOURCE[0]%/*}/user.sh"

user_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"

# What a configuration without a user namespace of its own looks like: that of root.
as_user "$USER_RUNTIME" spec -b "$BUNDLE" -f plain.json || exit 1

config() {
	local filter=. part
	for part in "$@"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "$filter" "$BUNDLE/${BASE-config.json}" >"$CONFIG"
}

sh_config() {
	config "${@:2}"
	jq --arg s "$1" '.process.args = ["sh", "-c", $s] | .process.terminal = false' "$CONFIG" >"$CONFIG.new"
	mv "$CONFIG.new" "$CONFIG"
}

run() { ulvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }
run_quiet() { ulvm --cgroup-manager disabled run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

start_one() {
	config "$@"
	ID=$(new_id)
	ulvm --cgroup-manager disabled create -b "$BUNDLE" -f "$CONFIG" "$ID"
	ulvm start "$ID"
	PID=$(ulvm state "$ID" | jq .pid)
}

status_is() { [ "$(ulvm state "$1" | jq -r .status)" = "$2" ]; }
none_left() { expect_equal '' "$(ulvm list -q)"; }
