#!/usr/bin/env bash
# Configurations that engines wrote run here, with their limits, in whichever version of control groups those
# are; and configurations with very long values.
# shellcheck disable=SC2016 # jq and shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["true"]' || exit 1

# Whether limits of the controller can be set, in the v2 hierarchy or in one of v1.
available() { # V2-NAME V1-NAME
	local mount
	mount=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
	case " $(cat "$mount/cgroup.controllers") " in *" $1 "*) return ;; esac
	awk -v c="$2" '$3 == "cgroup" && (","$4",") ~ ","c"," {found = 1} END {exit !found}' /proc/mounts
}

# engine FILE [FILTER…]: a bundle with that configuration and what its mounts need.
engine() {
	local file=$1 name controller filter
	shift
	name=engine-$BASHPID-$RANDOM
	new_bundle "$name"
	mkdir -p "$BUNDLE/shm" "$BUNDLE/rootfs/etc" "$BUNDLE/rootfs/run"
	echo '127.0.0.1 localhost' >"$BUNDLE/hosts"
	echo engine >"$BUNDLE/hostname"
	: >"$BUNDLE/resolv.conf"
	: >"$BUNDLE/.containerenv"
	cp "$TOP/tests/data/$file" "$BUNDLE/config.json"
	edit_config '.root.path = "rootfs" | .linux.cgroupsPath = "/'"$name"'"'
	for controller in memory cpu pids; do
		available "$controller" "$controller" || edit_config "del(.linux.resources.$controller)"
	done
	# Limits that we may not raise.
	[ $((0x$(awk '/^CapEff/ {print $2}' /proc/self/status) >> 24 & 1)) -eq 1 ] ||
		edit_config 'del(.process.rlimits) | if (.process.oomScoreAdj // 0) < 0 then del(.process.oomScoreAdj) else . end'
	for filter in "$@"; do edit_config "$filter"; done
}

says_last() { [ "$(lvm exec "$ID" /bin/busybox sh -c 'tr "\0" " " </proc/1/cmdline' | awk '{print $NF}')" = "$1" ]; }

runs_here() { # FILE
	engine "$1"
	ID=$(new_id)
	lvm --log "$T/log" --log-format json create -b "$BUNDLE" --pid-file "$T/pid" "$ID"
	lvm start "$ID"
	container_is "$ID" running
	# The kernel lets go of who waits for the start before the words are there.
	wait_for 20 says_last 1000
	# ctr asks for no filter.
	expect_equal "Seccomp: $(jq 'if .linux.seccomp then 2 else 0 end' "$BUNDLE/config.json")" \
		"$(lvm exec "$ID" grep ^Seccomp: /proc/self/status | xargs)"
	lvm exec "$ID" sh -c 'echo x >/dev/null && head -c 1 /dev/urandom >/dev/null && ls /proc/self/fd >/dev/null'
	expect_error '' lvm exec "$ID" sh -c 'echo 1 >/proc/sys/kernel/printk'
	expect_equal "$(jq -c '[.process.capabilities.bounding[]] | length' "$BUNDLE/config.json")" \
		"$(lvm exec "$ID" sh -c 'grep ^CapBnd /proc/self/status' | awk '{print $2}' | { read -r x; n=0 v=$((0x$x)); while [ "$v" -gt 0 ]; do n=$((n + (v & 1))) v=$((v >> 1)); done; echo "$n"; })"
	lvm pause "$ID"
	lvm resume "$ID"
	lvm kill "$ID" 9
	wait_for 5 container_is "$ID" stopped
	lvm delete "$ID"
	nothing_left
}

# limit CONTROLLER V2-FILE V1-FILE: what the container's group says, its first word.
limit() {
	local group
	group=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)$(jq -r .linux.cgroupsPath "$BUNDLE/config.json")
	[ -e "$group/$2" ] ||
		group=$(awk -v c="$1" '$3 == "cgroup" && (","$4",") ~ ","c"," {print $2; exit}' /proc/mounts)$(
			jq -r .linux.cgroupsPath "$BUNDLE/config.json")
	(cat "$group/$2" 2>/dev/null || cat "$group/$3") | awk '{print $1; exit}'
}

the_one_with_a_terminal() {
	engine podman-limits-config.json '.mounts |= map(if .destination == "/data" then .source = "shm" else . end)'
	ID=$(new_id)
	timeout 100 "$TESTKIT" console "$T/tty.sock" </dev/null >"$T/tty" &
	wait_for 5 test -S "$T/tty.sock"
	lvm create -b "$BUNDLE" --console-socket "$T/tty.sock" "$ID"
	lvm start "$ID"
	container_is "$ID" running
	if available pids pids; then expect_equal 50 "$(limit pids pids.max pids.max)"; fi
	if available memory memory; then
		expect_equal 67108864 "$(limit memory memory.max memory.limit_in_bytes)"
	fi
	if available cpu cpu; then expect_equal 50000 "$(limit cpu cpu.max cpu.cfs_quota_us)"; fi
	lvm delete --force "$ID"
	wait
	grep -q 'tty 1' "$T/tty"
}

# long BYTES: that many letters, a slash every 200 where a path is meant.
long() { head -c "$1" /dev/zero | tr '\0' "${2:-x}"; }

# A value of any length either works or is refused in words; no signal ends us, nothing is left.
survives() { # FILTER with $v in it
	local size status
	for size in 4000 70000 140000 1000000; do
		long "$size" >"$T/long"
		jq --rawfile v "$T/long" "$1" "$BUNDLE/config.json" >"$T/long.json"
		status=0
		timeout 60 "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$T/long.json" "$(new_id)" >/dev/null 2>"$T/err" || status=$?
		echo "$size: $status: $(head -c 200 "$T/err")"
		[ "$status" -le 1 ]
		[ "$status" -eq 0 ] || grep -q ^lvm-run: "$T/err"
	done
	nothing_left
}

long_arguments() {
	survives '.process.args = ["true", $v]'
	survives '.process.args = [$v]'
	survives '.process.env += ["LONG=" + $v]'
	survives '.process.cwd = "/" + $v'
}

long_names_and_labels() {
	survives '.hostname = $v'
	survives '.domainname = $v'
	survives '.annotations = {"long": $v}'
	survives '.process.selinuxLabel = $v'
	survives '.process.apparmorProfile = $v'
}

long_paths() {
	survives '(.linux.namespaces[] | select(.type == "network")).path = "/" + $v'
	survives '.linux.cgroupsPath = "/" + $v'
	survives '.mounts += [{"destination": ("/" + $v), "type": "tmpfs", "source": "tmpfs"}]'
	survives '.mounts += [{"destination": "/mnt", "type": "bind", "source": ("/" + $v), "options": ["bind"]}]'
	survives '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": [$v]}]'
	survives '.linux.maskedPaths += ["/" + $v]'
	survives '.root.path = "/" + $v'
}

long_sysctls_and_hooks() {
	survives '.linux.sysctl = {("net." + $v): "1"}'
	survives '.linux.sysctl = {"net.ipv4.ip_forward": $v}'
	survives '.hooks.createRuntime = [{"path": "/bin/true", "args": ["true", $v]}]'
	survives '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [$v], "action": "SCMP_ACT_ERRNO"}]}'
}

a_long_value_never_turns_namespaces_off() {
	# CVE-2021-43784: a length that wrapped took the rest of the plan with it.
	long 65700 >"$T/long"
	jq --rawfile v "$T/long" '.annotations = {"a": $v} | .process.env += ["A=" + $v] |
		.process.args = ["readlink", "/proc/self/ns/net"]' "$BUNDLE/config.json" >"$T/wrap.json"
	[ "$(lvm run -b "$BUNDLE" -f "$T/wrap.json" "$(new_id)")" != "$(readlink /proc/self/ns/net)" ]
}

many_of_everything() {
	jq '.process.env += [range(3000) | "V\(.)=\(.)"] | .annotations = ([range(3000) | {("k\(.)"): "v"}] | add) |
		.mounts += [range(60) | {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}] |
		.process.args = ["sh", "-c", "env | grep -c ^V"]' "$BUNDLE/config.json" >"$T/many.json"
	expect_output 3000 lvm run -b "$BUNDLE" -f "$T/many.json" "$(new_id)"
}

check 'the configuration that Podman wrote runs' runs_here podman-config.json
check 'the configuration that ctr wrote runs' runs_here ctr-config.json
check 'the configuration that Podman wrote with a terminal runs' the_one_with_a_terminal
check 'long arguments work or are refused' long_arguments
check 'long names and labels work or are refused' long_names_and_labels
check 'long paths are refused' long_paths
check 'long sysctls, hooks and call names work or are refused' long_sysctls_and_hooks
check 'a long value never turns namespaces off' a_long_value_never_turns_namespaces_off
check 'many of everything work' many_of_everything
finish
