#!/usr/bin/env bash
# Control groups: where a container is put, freezing, devices, limits refused in words, groups in
# use, and that nothing is left.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
mount=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
base=lvm-run-test-$$

config() { # FILTER…: in CONFIG
	local filter=. part
	for part in "$@"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "$filter" "$BUNDLE/config.json" >"$CONFIG"
}

start_one() { # [FILTER…]: sets ID, PID and GROUP
	config "$@"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	PID=$(lvm state "$ID" | jq .pid)
	GROUP=$mount$(sed -n 's/^0:://p' "/proc/$PID/cgroup")
}

run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }
quick() { timeout 60 "$RUNTIME" --root "$ROOT" "$@"; }

each_has_a_group_of_its_own() {
	start_one
	expect_contains "$ID" "$GROUP"
	expect_equal "$PID" "$(cat "$GROUP/cgroup.procs")"
	expect_equal "$GROUP" "$(jq -r '.cgroupMount + .cgroupPath' "$ROOT/$ID/record.json")"
	lvm delete --force "$ID"
	[ ! -d "$GROUP" ]
}

the_path_is_that_of_the_configuration() {
	start_one ".linux.cgroupsPath = \"/$base/deep/one\""
	expect_equal "$mount/$base/deep/one" "$GROUP"
	lvm delete --force "$ID"
	# What was made above for it goes too.
	[ ! -d "$mount/$base" ]
	start_one ".linux.cgroupsPath = \"$base-relative\""
	expect_equal "$base-relative" "$(basename "$GROUP")"
	lvm delete --force "$ID"
	[ ! -d "$GROUP" ]
}

a_group_that_was_there_stays() {
	mkdir "$mount/$base"
	start_one ".linux.cgroupsPath = \"/$base/one\""
	lvm delete --force "$ID"
	[ -d "$mount/$base" ] && [ ! -d "$mount/$base/one" ]
	rmdir "$mount/$base"
}

paths_that_lead_out_are_refused() {
	local path
	for path in ../x /a/../../x /a/./b / ''; do
		config ".linux.cgroupsPath = \"$path\" | .process.args = [\"true\"]"
		if quick run -b "$BUNDLE" -f "$CONFIG" "$(new_id)" 2>"$T/err"; then
			[ "$path" = '' ] || { echo "worked: $path"; return 1; }
		else
			grep -qi cgroup "$T/err"
		fi
	done
	nothing_left
}

a_group_in_use_is_refused_at_once() {
	start_one ".linux.cgroupsPath = \"/$base\""
	config ".linux.cgroupsPath = \"/$base\""
	local id
	id=$(new_id)
	expect_error 'in use' quick create -b "$BUNDLE" -f "$CONFIG" "$id"
	expect_error 'container does not exist' lvm state "$id"
	container_is "$ID" running
	expect_equal "$PID" "$(cat "$GROUP/cgroup.procs")"
}

a_frozen_group_is_refused_at_once() {
	mkdir "$mount/$base-frozen"
	echo 1 >"$mount/$base-frozen/cgroup.freeze"
	config ".linux.cgroupsPath = \"/$base-frozen\""
	expect_error frozen quick run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	config ".linux.cgroupsPath = \"/$base-frozen/below\""
	expect_error frozen quick run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	[ ! -d "$mount/$base-frozen/below" ]
	rmdir "$mount/$base-frozen"
	nothing_left
}

freezing_stops_all_and_thawing_lets_go() {
	local before
	start_one '.root.readonly = false | .process.args = ["sh", "-c", "while :; do echo x >>/tmp/beat; sleep 0.02; done"]'
	local beat=$BUNDLE/rootfs/tmp/beat
	wait_for 5 test -s "$beat"
	lvm pause "$ID"
	expect_equal 1 "$(cat "$GROUP/cgroup.freeze")"
	grep -qx 'frozen 1' "$GROUP/cgroup.events"
	before=$(wc -c <"$beat")
	sleep 0.3
	expect_equal "$before" "$(wc -c <"$beat")"
	lvm resume "$ID"
	container_is "$ID" running
	wait_for 5 sh -c "[ \$(wc -c <$beat) -gt $before ]"
}

a_paused_one_can_be_killed_and_deleted() {
	start_one
	lvm pause "$ID"
	quick kill "$ID" KILL
	wait_for 5 container_is "$ID" stopped
	quick delete "$ID"
	start_one
	lvm pause "$ID"
	quick delete --force "$ID"
	[ ! -d "$GROUP" ]
}

devices_not_allowed_cannot_be_opened() {
	start_one '.process.capabilities[] += ["CAP_MKNOD"] | .linux.resources.devices = [{"allow": false, "access": "rwm"}] |
		.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}]'
	local number made=0
	for number in 'b 8 0' 'c 1 1' 'c 10 200' 'c 1 11' 'b 7 0' 'c 10 237'; do
		# Nodes can be made, as by every runtime; what counts is that none can be opened.
		lvm exec "$ID" sh -c "mknod /mnt/n $number" 2>/dev/null || true
		if lvm exec "$ID" sh -c '[ -e /mnt/n ]'; then
			expect_error 'not permitted' lvm exec "$ID" sh -c 'head -c 1 /mnt/n'
			expect_error 'not permitted' lvm exec "$ID" sh -c ': >>/mnt/n'
			lvm exec "$ID" rm /mnt/n
			made=$((made + 1))
		fi
	done
	[ "$made" -gt 0 ]
	lvm exec "$ID" sh -c 'head -c 1 /dev/zero >/dev/null; head -c 1 /dev/urandom >/dev/null; echo x >/dev/null; [ -e /dev/ptmx ]'
	# Made by hand, the allowed ones open too: /mnt is mounted without nodev.
	lvm exec "$ID" sh -c 'mknod /mnt/zero c 1 5 && head -c 1 /mnt/zero >/dev/null'
}

devices_allowed_can_be_opened() {
	start_one '.linux.devices = [{"type": "c", "path": "/dev/own", "major": 1, "minor": 11, "fileMode": 438}] |
		.linux.resources.devices = [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"}]'
	lvm exec "$ID" sh -c ': >>/dev/own'
	expect_error 'not permitted' lvm exec "$ID" sh -c 'head -c 1 /dev/own'
}

limits_without_controller_are_refused() {
	local line controller filter refused=0
	while IFS='|' read -r controller filter; do
		case " $(cat "$mount/cgroup.controllers") " in *" $controller "*) continue ;; esac
		# Bound to cgroup v1 it is set there (legacy-limits.sh), but for the keys of v2.
		case $filter in
		*unified*) ;;
		*) ! awk -v c="${controller/#io/blkio}" '$3 == "cgroup" && (","$4",") ~ ","c"," {found = 1} END {exit !found}' \
			/proc/mounts || continue ;;
		esac
		config "$filter"
		expect_error "the $controller controller" quick run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
		refused=$((refused + 1))
	done <<-'END'
		memory|.linux.resources.memory.limit = 100000000
		cpu|.linux.resources.cpu.shares = 512
		cpuset|.linux.resources.cpu.cpus = "0"
		pids|.linux.resources.pids.limit = 100
		io|.linux.resources.blockIO.throttleReadBpsDevice = [{"major": 8, "minor": 0, "rate": 1000000}]
		memory|.linux.resources.unified = {"memory.high": "100000000"}
	END
	nothing_left
	# Where all are there each is set, which the cases of the virtual machine look at.
	echo "$refused refused"
}

limits_that_are_none_are_errors() {
	config '.linux.resources.unified = {"../x": "1"}'
	expect_error unified run
	config '.linux.resources.unified = {"cgroup.freeze": "1"}'
	expect_error unified run
	config '.linux.resources.unified = {"nonsense.max": "1"}'
	expect_error nonsense run
	nothing_left
}

the_container_cannot_change_groups() {
	start_one '.process.capabilities[] += ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"]'
	expect_error '' lvm exec "$ID" mkdir /sys/fs/cgroup/x
	expect_error '' lvm exec "$ID" sh -c 'echo 1 >/sys/fs/cgroup/cgroup.freeze'
	expect_error '' lvm exec "$ID" sh -c 'echo 1 >/sys/fs/cgroup/cgroup.procs'
	expect_error '' lvm exec "$ID" sh -c 'echo 1 >/sys/fs/cgroup/../cgroup.procs'
	expect_equal "$PID" "$(cat "$GROUP/cgroup.procs")"
	start_one
	expect_error '' lvm exec "$ID" unshare -Urm mount -t cgroup2 none /mnt
	expect_error '' lvm exec "$ID" mount -t cgroup none /mnt
}

without_groups() {
	config '.linux.cgroupsPath = "/nowhere"'
	ID=$(new_id)
	lvm --cgroup-manager disabled create -b "$BUNDLE" -f "$CONFIG" "$ID"
	PID=$(lvm state "$ID" | jq .pid)
	expect_equal "$(sed -n 's/^0:://p' /proc/self/cgroup)" "$(sed -n 's/^0:://p' "/proc/$PID/cgroup")"
	[ ! -d "$mount/nowhere" ]
	lvm start "$ID"
	expect_error 'no cgroup' lvm pause "$ID"
	lvm exec "$ID" true
	expect_equal 1 "$(lvm ps -f json "$ID" | jq length)"
	lvm delete --force "$ID"
	nothing_left
}

a_tree_of_processes_goes_with_force() {
	local pids pid
	start_one '.process.args = ["sh", "-c", "for a in 1 2 3 4 5; do (for b in 1 2 3; do setsid sleep 1000 & done; wait) & done; wait"]' \
		'del(.linux.namespaces[] | select(.type == "pid"))'
	wait_for 5 sh -c "[ \$(wc -l <$GROUP/cgroup.procs) -ge 21 ]"
	pids=$(cat "$GROUP/cgroup.procs")
	quick delete --force "$ID"
	[ ! -d "$GROUP" ]
	# It leaves its group some steps before it is a zombie, and somebody else reaps it.
	for pid in $pids; do wait_for 20 has_ended "$pid"; done
}

one_that_forks_all_the_time_goes_with_force() {
	start_one '.process.args = ["sh", "-c", "while :; do (true & true &) ; done"]' \
		'del(.linux.namespaces[] | select(.type == "pid"))'
	sleep 0.3
	timeout 60 "$RUNTIME" --root "$ROOT" delete --force "$ID"
	[ ! -d "$GROUP" ]
}

groups_made_inside_go_too() {
	start_one
	mkdir -p "$GROUP/a/b" "$GROUP/c"
	lvm exec -d --cgroup a/b "$ID" sleep 1000
	quick delete --force "$ID"
	[ ! -d "$GROUP" ]
}

# owned_by_the_container FILTER…: what of the group of a container with a user namespace is its root's, in OWNED.
owned_by_the_container() {
	local user='.linux.namespaces += [{"type": "user"}] | .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.uidMappings = .linux.gidMappings'
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
	start_one "$user" "$@" 2>"$T/why" || skip "no container with a user namespace here: $(cat "$T/why")"
	OWNED=$(cd "$GROUP" && find . -maxdepth 1 -uid 100000 -gid 100000 -printf '%f\n' | sort)
}

writable_cgroups='.linux.namespaces += [{"type": "cgroup"}] | .linux.namespaces |= unique_by(.type)
	| .mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{"destination": "/sys/fs/cgroup", "type": "cgroup",
	"source": "cgroup", "options": ["nosuid", "noexec", "nodev"]}]'

# config-linux.md, "Cgroup ownership": the directory and what the kernel says may be delegated, no limit.
a_group_of_its_own_belongs_to_the_container() {
	local files file
	owned_by_the_container "$writable_cgroups"
	files=$(cat /sys/kernel/cgroup/delegate 2>/dev/null || printf '%s\n' cgroup.procs cgroup.subtree_control cgroup.threads)
	for file in $files; do
		[ ! -e "$GROUP/$file" ] || grep -qx "$file" <<<"$OWNED" || { echo "not given: $file"; return 1; }
	done
	grep -qx '\.' <<<"$OWNED"
	for file in $OWNED; do
		[ "$file" = . ] || grep -qx "$file" <<<"$files" || { echo "given: $file"; return 1; }
	done
	lvm exec "$ID" sh -c 'mkdir /sys/fs/cgroup/below && echo $$ >/sys/fs/cgroup/below/cgroup.procs'
	lvm delete --force "$ID"
	[ ! -e "$GROUP" ]
}

a_group_that_it_cannot_write_to_stays_ours() {
	owned_by_the_container "$writable_cgroups" '.mounts[-1].options += ["ro"]'
	expect_equal '' "$OWNED"
	lvm delete --force "$ID"
	owned_by_the_container "$writable_cgroups" '.linux.namespaces |= map(select(.type != "cgroup"))'
	expect_equal '' "$OWNED"
	lvm delete --force "$ID"
}

check 'each container has a group of its own' each_has_a_group_of_its_own
check 'the path is that of the configuration, and goes' the_path_is_that_of_the_configuration
check 'a group that was there before stays' a_group_that_was_there_stays
check 'paths that lead out are refused' paths_that_lead_out_are_refused
check 'a group in use is refused at once' a_group_in_use_is_refused_at_once
check 'a frozen group is refused at once' a_frozen_group_is_refused_at_once
check 'freezing stops all, thawing lets go' freezing_stops_all_and_thawing_lets_go
check 'a paused container can be killed and deleted' a_paused_one_can_be_killed_and_deleted
check 'devices that are not allowed cannot be opened' devices_not_allowed_cannot_be_opened
check 'devices that are allowed can be opened as allowed' devices_allowed_can_be_opened
check 'limits whose controller is missing are refused by its name' limits_without_controller_are_refused
check 'limits that are none are errors' limits_that_are_none_are_errors
check 'the container cannot change groups' the_container_cannot_change_groups
check 'a writable group of its own belongs to the container' a_group_of_its_own_belongs_to_the_container
check 'one that it cannot write to does not' a_group_that_it_cannot_write_to_stays_ours
check 'without groups the container runs where its caller is' without_groups
check 'a tree of processes goes with delete --force' a_tree_of_processes_goes_with_force
check 'one that forks all the time goes with delete --force' one_that_forks_all_the_time_goes_with_force
check 'groups made below go too' groups_made_inside_go_too
finish
