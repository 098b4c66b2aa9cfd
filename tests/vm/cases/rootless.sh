#!/bin/bash
# Without root: a user with a systemd of his own (limits hold through delegation), one with a group that root has delegated, and
# Podman as that user.
# shellcheck disable=SC2317 # functions called by check
# shellcheck disable=SC2016 # shells elsewhere expand these
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

MiB=$((1024 * 1024))
user=ctr uid=1500
run_dir=/run/user/$uid
home=/home/$user
runtime=/usr/local/bin/${RUNTIME##*/}

# The test machine is thrown away: it gets a user and the login manager.
user_manager_runs() { [ -S "$run_dir/systemd/private" ] && [ -S "$run_dir/bus" ]; }
login_manager() {
	rm -f /etc/systemd/system/systemd-logind.service
	systemctl daemon-reload
	systemctl start systemd-logind
	loginctl enable-linger "$user"
	wait_for 60 user_manager_runs
}
[ "$RUNTIME" = "$runtime" ] || must cp "$RUNTIME" "$runtime"
must useradd --create-home --uid "$uid" --shell /bin/bash "$user"
must login_manager

as_ctr() {
	(cd "$home" && exec setpriv --reuid="$uid" --regid="$uid" --init-groups env -i HOME="$home" USER="$user" PATH="$PATH" \
		XDG_RUNTIME_DIR="$run_dir" DBUS_SESSION_BUS_ADDRESS="unix:path=$run_dir/bus" "$@")
}
cvm() { as_ctr "$runtime" "$@"; }
# Below the user's own systemd, as a login shell's children are not.
in_scope() { as_ctr systemd-run --user --scope --quiet "$@"; }
in_delegated_scope() { as_ctr systemd-run --user --scope --quiet --property=Delegate=yes "$@"; }

bundle=$home/bundle
make_bundle() {
	as_ctr mkdir "$bundle" && cp -a "$ROOTFS" "$bundle/rootfs" && cp "$TESTKIT" "$bundle/rootfs/bin/" && chown -R "$uid:$uid" "$bundle" &&
		cvm spec --rootless -b "$bundle" && cp "$bundle/config.json" "$T/base.json"
}
must make_bundle

# config [JQ-FILTER...]: the rootless default, changed.
config() {
	local filter
	BUNDLE=$bundle
	cp "$T/base.json" "$bundle/config.json"
	edit_config '.process.terminal = false | .linux.namespaces |= map(select(.type != "network"))'
	for filter in "$@"; do edit_config "$filter"; done
	chmod 644 "$bundle/config.json"
}
idle='.process.args = ["sleep", "1000"]'
limits=".linux.resources = { memory: { limit: (32 * $MiB), swap: (32 * $MiB) }, pids: { limit: 9 }, cpu: { quota: 20000, period: 100000 } }"
state_of() { cvm state "$1" | jq -r .status; }
group_of() { sed -n 's|^0::|/sys/fs/cgroup|p' "/proc/$(cvm state "$1" | jq .pid)/cgroup"; }
as_daemon() { "$@" </dev/null >"$T/daemon.log" 2>&1 || { cat "$T/daemon.log"; return 1; }; }

# --- The user's systemd ---

scope_of_the_user() {
	local id place
	id=$(new_id)
	config "$idle" "$limits" ".linux.cgroupsPath = \"user.slice:mine:$id\""
	as_daemon in_scope "$runtime" --systemd-cgroup run -d -b "$bundle" "$id"
	place=$(group_of "$id")
	expect_match "/user@$uid.service/user.slice/mine-$id.scope" "$place"
	expect_file "$place/memory.max" $((32 * MiB))
	expect_file "$place/pids.max" 9
	expect_file "$place/cpu.max" '20000 100000'
	expect_equal active "$(as_ctr systemctl --user show -p ActiveState --value "mine-$id.scope")"
	expect_equal $((32 * MiB)) "$(as_ctr systemctl --user show -p MemoryMax --value "mine-$id.scope")"
	in_scope "$runtime" pause "$id"
	expect_equal paused "$(state_of "$id")"
	in_scope "$runtime" resume "$id"
	in_scope "$runtime" update --pids-limit 12 "$id"
	expect_file "$place/pids.max" 12
	expect_output 0 in_scope "$runtime" exec "$id" id -u
	cvm stats --no-stream "$id" | grep -q "$id"
	in_scope "$runtime" delete --force "$id"
	[ ! -e "$place" ]
}

limits_hold_in_the_session() {
	config "$limits" '.process.args = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do sleep 3 & done; wait"]'
	in_scope "$runtime" --systemd-cgroup run -b "$bundle" "$(new_id)" >"$T/forks" 2>&1 || true
	expect_match "can't fork|fork: Resource temporarily" "$(cat "$T/forks")"
	config "$limits" '.process.args = ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]'
	expect_exit 137 in_scope "$runtime" --systemd-cgroup run -b "$bundle" "$(new_id)"
	expect_equal '' "$(cvm list -q)"
}

limits_that_are_not_delegated_are_refused() {
	config '.linux.resources.cpu.cpus = "0"' '.process.args = ["true"]'
	[ "$(cat "/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service/cgroup.controllers")" != "$(cat /sys/fs/cgroup/cgroup.controllers)" ]
	expect_error cpuset in_scope "$runtime" --systemd-cgroup run -b "$bundle" "$(new_id)"
	expect_equal '' "$(cvm list -q)"
}

outside_of_it_the_driver_says_how() {
	config '.process.args = ["true"]'
	expect_error 'systemd-run --user --scope' cvm --systemd-cgroup run -b "$bundle" "$(new_id)"
}

groups_in_a_delegated_scope() {
	local id
	id=$(new_id)
	config "$idle"
	as_daemon in_delegated_scope "$runtime" run -d -b "$bundle" "$id"
	expect_match "/run-.*\.scope/lvm-run-$id\$" "$(group_of "$id")"
	expect_equal '' "$(cat "$T/daemon.log")"
	in_scope "$runtime" pause "$id"
	expect_equal paused "$(state_of "$id")"
	in_scope "$runtime" delete --force "$id"
	# The caller sits in the delegated group itself: no limits below, and that is said.
	config "$limits" '.process.args = ["true"]'
	expect_error 'processes live directly in that group' in_delegated_scope "$runtime" run -b "$bundle" "$(new_id)"
	# One step down it does not.
	config "$limits" '.process.args = ["sh", "-c", "cat /sys/fs/cgroup$(grep ^0: /proc/self/cgroup | cut -d: -f3)/memory.max"]' \
		'.linux.namespaces |= map(select(.type != "cgroup"))'
	cat >"$T/step" <<-'SCRIPT'
		place=$(sed -n 's|^0::||p' /proc/self/cgroup)
		mkdir "/sys/fs/cgroup$place/caller" && echo $$ >"/sys/fs/cgroup$place/caller/cgroup.procs"
		jq --arg p "$place/container" '.linux.cgroupsPath = $p' "$2/config.json" >"$HOME/stepped.json"
		exec "$1" run -b "$2" -f "$HOME/stepped.json" "$3"
	SCRIPT
	expect_output $((32 * MiB)) in_delegated_scope bash "$T/step" "$runtime" "$bundle" "$(new_id)"
}

# --- Without systemd: a group that root has given away ---

given_group() {
	given=/sys/fs/cgroup/given
	mkdir "$given" "$given/caller"
	echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control
	chown "$uid" "$given" "$given"/cgroup.{procs,threads,subtree_control} "$given/caller" "$given"/caller/cgroup.{procs,threads}
	config "$limits" '.linux.cgroupsPath = "/given/one"' '.process.args = ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]'
	in_given() { (echo "$BASHPID" >"$given/caller/cgroup.procs" && as_ctr "$@"); }
	expect_exit 137 in_given "$runtime" run -b "$bundle" "$(new_id)"
	config "$limits" '.linux.cgroupsPath = "/given/two"' "$idle"
	local id
	id=$(new_id)
	as_daemon in_given "$runtime" run -d -b "$bundle" "$id"
	expect_file "$given/two/memory.max" $((32 * MiB))
	expect_file "$given/two/pids.max" 9
	expect_equal "$(cvm state "$id" | jq .pid)" "$(cat "$given/two/cgroup.procs")"
	in_given "$runtime" delete --force "$id"
	[ ! -e "$given/two" ]
	rmdir "$given/caller" "$given"
}

# From a group that is nobody's to a delegated one the kernel lets no user's process move.
across_groups_it_is_said() {
	mkdir /sys/fs/cgroup/given2
	chown "$uid" /sys/fs/cgroup/given2 /sys/fs/cgroup/given2/cgroup.{procs,threads,subtree_control}
	config '.linux.cgroupsPath = "/given2/one"' '.process.args = ["true"]'
	expect_error 'must lie below one that is delegated' cvm run -b "$bundle" "$(new_id)"
	[ ! -e /sys/fs/cgroup/given2/one ]
	rmdir /sys/fs/cgroup/given2
}

# --- What other hosts lack ---

mqueue_of_the_host() {
	config '.linux.namespaces |= map(select(.type != "ipc"))' '.process.args = ["sh", "-c", "test -d /dev/mqueue && echo there"]'
	expect_output there cvm --cgroup-manager disabled run -b "$bundle" "$(new_id)"
}

# What an engine has mounted id-mapped is a root like any other.
root_on_an_id_mapped_mount() {
	config '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' '.linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 65536}]' \
		'.process.args = ["stat", "-c", "%u:%g", "/bin/busybox"]' ".root.path = \"$T/shifted\""
	mkdir "$T/shifted"
	mount --bind -o X-mount.idmap="u:0:100000:65536 g:0:200000:65536" "$ROOTFS" "$T/shifted"
	expect_equal 100000:200000 "$(stat -c %u:%g "$T/shifted/bin")"
	expect_output 0:0 lvm run -b "$bundle" "$(new_id)"
	umount "$T/shifted"
}

# --- Podman as the user ---

image=localhost/lvm-vm:latest
conf=$home/containers.conf
cat >"$conf" <<CONF
[engine]
runtime = "${runtime##*/}"
runtime_supports_json = ["crun", "runc", "lvm-run"]
runtime_supports_nocgroup = ["crun", "lvm-run"]
[engine.runtimes]
${runtime##*/} = ["$runtime"]
[containers]
log_driver = "k8s-file"
netns = "none"
CONF
podman() { as_ctr env CONTAINERS_CONF="$conf" podman "$@"; }
inspect() { podman inspect -f "$2" "$1"; }
ending() { podman rm --all --force --time 0; podman system migrate; } >/dev/null 2>&1
trap 'ending; lib_cleanup' EXIT
import_image() {
	tar -C "$ROOTFS" --owner=0 --group=0 -cf "$home/image.tar" . && chmod 644 "$home/image.tar" && podman import "$home/image.tar" "$image"
}
must import_image

podman_uses_it() {
	expect_equal "$runtime" "$(podman info -f '{{.Host.OCIRuntime.Path}}')"
	expect_equal 'systemd true' "$(podman info -f '{{.Host.CgroupManager}} {{.Host.Security.Rootless}}')"
}

podman_runs() {
	expect_output hello podman run --rm "$image" echo hello
	expect_exit 7 podman run --rm "$image" sh -c 'exit 7'
	expect_equal 'through the pipe' "$(echo 'through the pipe' | podman run --rm -i "$image" cat)"
	expect_exit 127 podman run --rm "$image" no-such-program 2>/dev/null
	expect_contains /dev/pts/0 "$(podman run --rm -t "$image" tty)"
	expect_output 0 podman run --rm "$image" id -u
	expect_output 33 podman run --rm --user 33 "$image" id -u
}

podman_daemon() {
	podman run -d --name d1 "$image" sleep 1000 >/dev/null
	expect_equal running "$(inspect d1 '{{.State.Status}}')"
	expect_match "/user@$uid.service/user.slice/.*libpod-" "$(cat "/proc/$(inspect d1 '{{.State.Pid}}')/cgroup")"
	expect_output inside podman exec d1 echo inside
	expect_exit 5 podman exec d1 sh -c 'exit 5'
	expect_match '^/dev/pts/[0-9]' "$(podman exec -t d1 tty)"
	podman pause d1 >/dev/null
	expect_equal paused "$(inspect d1 '{{.State.Status}}')"
	podman unpause d1 >/dev/null
	podman stop --time 0 d1 >/dev/null
	podman start d1 >/dev/null
	podman rm --force --time 0 d1 >/dev/null
}

podman_limits() {
	expect_equal '33554432 9 20000 100000' "$(podman run --rm --memory 32m --pids-limit 9 --cpus 0.2 "$image" \
		sh -c 'cd /sys/fs/cgroup && echo $(cat memory.max pids.max cpu.max)')"
	expect_exit 137 podman run --rm --memory 16m --memory-swap 16m "$image" dd if=/dev/zero of=/dev/null bs=64M count=1
}

podman_ids() {
	expect_output "$uid" podman run --rm --userns keep-id "$image" id -u
	expect_equal "1500 1500" "$(podman run --rm --userns keep-id --volume "$home:/data:ro" "$image" sh -c 'stat -c %u /data; id -u' | xargs)"
	expect_equal '0 1 100' "$(podman run --rm --uidmap 0:1:100 --gidmap 0:1:100 "$image" cat /proc/self/uid_map | xargs)"
	expect_equal 700 "$(podman run --rm --userns nomap "$image" sh -c 'id -u >/dev/null && echo 700')"
}

podman_without_groups() {
	expect_output hello podman --cgroup-manager cgroupfs run --rm "$image" echo hello
	expect_output hello podman run --rm --cgroups disabled "$image" echo hello
}

podman_options() {
	mkdir "$home/volume" && echo from-the-host >"$home/volume/file" && chown -R "$uid:$uid" "$home/volume"
	expect_equal 'named from-the-host v 0077 written' "$(podman run --rm --read-only --cap-drop all --security-opt no-new-privileges \
		--hostname named --tmpfs /scratch:rw,size=1m --volume "$home/volume:/data" --env KEY=v --umask 0077 --shm-size 1m "$image" \
		sh -c 'hostname; cat /data/file; echo $KEY; umask; touch /scratch/x /data/new && echo written' | xargs)"
	expect_equal "$uid" "$(stat -c %u "$home/volume/new")"
	expect_output "$(readlink /proc/self/ns/net)" podman run --rm --network host "$image" readlink /proc/self/ns/net
	expect_output lo podman run --rm --network none "$image" ls /sys/class/net
	expect_output fuse podman run --rm --device /dev/fuse "$image" sh -c 'test -c /dev/fuse && echo fuse'
	podman run --rm --privileged "$image" true
}

podman_shares_namespaces() {
	podman run -d --name ns1 "$image" sleep 1000 >/dev/null
	expect_contains 'sleep 1000' "$(podman run --rm --pid container:ns1 --ipc container:ns1 "$image" ps)"
	podman rm --force --time 0 ns1 >/dev/null
}

check 'systemd of the user: a scope with its limits, pause, update, exec, delete' scope_of_the_user
check 'systemd of the user: the limits hold' limits_hold_in_the_session
check 'systemd of the user: a limit that is not delegated is refused' limits_that_are_not_delegated_are_refused
check 'outside of the user systemd the driver says what to do' outside_of_it_the_driver_says_how
check 'groups in a delegated scope' groups_in_a_delegated_scope
check 'without systemd: limits hold in a group that root has given away' given_group
check 'without systemd: a group out of reach is a clear error' across_groups_it_is_said
check 'message queues of the host stand in' mqueue_of_the_host
check 'root: a root file system on an id-mapped mount' root_on_an_id_mapped_mount
check 'Podman without root uses this runtime' podman_uses_it
check 'Podman without root: output, exit codes, terminal, users' podman_runs
check 'Podman without root: a daemon from run to rm' podman_daemon
check 'Podman without root: limits hold' podman_limits
check 'Podman without root: kept and mapped ids' podman_ids
check 'Podman without root: cgroupfs and no groups' podman_without_groups
check 'Podman without root: many options' podman_options
check 'Podman without root: namespaces of another container' podman_shares_namespaces
finish
