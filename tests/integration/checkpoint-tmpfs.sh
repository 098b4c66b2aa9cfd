#!/usr/bin/env bash
# File systems in memory: what is in them comes back, and no program is started for that.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

# program NAME FILTER…: a bundle with a tmpfs on /tmp.
program() {
	local name=$1
	shift
	new_bundle "$name" '.root.readonly = false | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]' "$@"
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	mkdir -p "$BUNDLE/rootfs/mnt"
}
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
root_of() { echo "/proc/$(lvm state "$1" | jq .pid)/root"; }
start() { lvm run -d -b "$BUNDLE" "$1" </dev/null >"$T/$1.1" 2>&1; }
save() { lvm checkpoint --image-path "$T/$1.img" "$@"; }
load() { lvm restore -d -b "$BUNDLE" --image-path "$T/$1.img" "$1" </dev/null >"$T/$1.2" 2>&1 || { cat "$T/$1.2"; return 1; }; }
# All about what is in a directory of the container, but for what is mounted there.
look() (
	cd "$(root_of "$1")/$2"
	find . -xdev ! -path ./mqueue ! -path ./pts -printf '%p %y %m %U %G %T@ %s %b %n %l\n' | sort
	find . -xdev -type f -exec sha256sum {} + | sort
)
archives() { find "$T/$1.img" -name 'tmpfs-*.tar.gz.img' | wc -l; }

# --- Tests ----------------------------------------------------------------------------------------

# A deleted open file, one with a lock and watches lie in /tmp.
contents_and_open_files_come_back() {
	local id
	id=$(new_id)
	program full '.process.args = ["/bin/testkit", "hold", "deleted=300000", "lock", "inotify"]'
	start "$id"
	wait_for 60 has_lines "$T/$id.1" 3
	(
		cd "$(root_of "$id")/dev/shm"
		mkdir -p deep/er/'with blank' && chmod 2750 deep && chown 12:34 deep/er
		echo one >deep/er/'with blank'/file && chmod 4711 deep/er/'with blank'/file
		ln deep/er/'with blank'/file other && ln -s ../nowhere soft && mkfifo -m 620 fifo
		dd if=/dev/urandom of=sparse bs=4096 count=3 seek=1000 status=none && truncate -s 100M sparse
		touch -d @86400.25 deep/er soft -h && : >empty && mknod -m 640 null c 1 3
	)
	look "$id" dev/shm >"$T/shm" && look "$id" dev >"$T/dev"
	save "$id" --file-locks
	expect_equal 0 "$(archives "$id")"
	lvm restore -d -b "$BUNDLE" --file-locks --image-path "$T/$id.img" "$id" </dev/null >"$T/$id.2" 2>&1
	wait_for 60 has_lines "$T/$id.2" 5 || { cat "$T/$id.2"; return 1; }
	expect_equal '' "$(grep -v '^ok ' "$T/$id.2" || :)"
	look "$id" dev/shm | diff "$T/shm" - && look "$id" dev | diff "$T/dev" -
	lvm delete --force "$id"
	nothing_left
}

mounts_of_a_part_stay_parts() {
	local id pid
	id=$(new_id)
	program part '.process.args = ["/bin/testkit", "pause"]'
	start "$id"
	pid=$(lvm state "$id" | jq .pid)
	mkdir "/proc/$pid/root/dev/shm/part"
	nsenter -t "$pid" -m mount --bind /dev/shm/part /mnt
	awk '{print $4, $5, $6, $(NF - 1), $NF}' "/proc/$pid/mountinfo" | grep -w tmpfs | grep -v nr_inodes | sort >"$T/mounts"
	save "$id"
	expect_equal 0 "$(archives "$id")"
	load "$id"
	pid=$(lvm state "$id" | jq .pid)
	expect_equal "$(grep -c . "$T/mounts")" "$(awk '{print $4, $5, $6, $(NF - 1), $NF}' "/proc/$pid/mountinfo" |
		grep -w tmpfs | grep -v nr_inodes | sort | comm -12 - "$T/mounts" | grep -c .)"
	echo word >"/proc/$pid/root/mnt/file"
	expect_equal word "$(cat "/proc/$pid/root/dev/shm/part/file")"
	lvm delete --force "$id"
	nothing_left
}

# What its group has of memory, in bytes, by either version of control groups; empty: nobody counts it.
charged() { # ID
	local line
	while IFS= read -r line; do
		case $line in
		*:memory:* | *,memory:* | *:memory,*) cat "/sys/fs/cgroup/memory${line#*:*:}/memory.usage_in_bytes" ;;
		0::*) cat "/sys/fs/cgroup${line#0::}/memory.current" ;;
		esac 2>/dev/null || :
	done <"/proc/$(lvm state "$1" | jq .pid)/cgroup"
}
their_memory_counts_for_the_container() {
	local id
	id=$(new_id)
	program counted '.process.args = ["/bin/testkit", "pause"] | .linux.resources.memory.limit = 67108864'
	start "$id"
	dd if=/dev/urandom of="$(root_of "$id")/tmp/file" bs=1M count=16 status=none
	save "$id"
	load "$id"
	charged "$id" >"$T/charged"
	[ -s "$T/charged" ] || skip 'no memory controller is to be had'
	[ "$(head -n 1 "$T/charged")" -ge $((16 << 20)) ] || { cat "$T/charged"; return 1; }
	lvm delete --force "$id"
	nothing_left
}

# In a mount namespace below the container's own all of them are there once more.
what_cannot_be_told_is_left_to_criu() { # FILTER FILES ARCHIVES
	local id
	id=$(new_id)
	program "left$3" "$1"
	start "$id"
	wait_for 20 test -e "$(root_of "$id")/tmp/ready"
	(cd "$(root_of "$id")/dev/shm" && seq -f 'file%g' "$2" | xargs touch)
	save "$id"
	expect_equal "$3" "$(archives "$id")"
	load "$id"
	expect_equal "$2" "$(find "$(root_of "$id")/dev/shm" -name 'file*' | wc -l)"
	lvm delete --force "$id"
	nothing_left
}

# refused ID TEXT: of a copy of the images.
refused() {
	expect_error "$2" lvm restore -d -b "$BUNDLE" --image-path "$T/spoilt.img" "$1"
	nothing_left
}
spoil() { # ID FILTER
	rm -rf "$T/spoilt.img" && cp -a "$T/$1.img" "$T/spoilt.img"
	jq "$2" "$T/$1.img/lvm-run.json" >"$T/spoilt.img/lvm-run.json"
}
images_lead_nowhere_else() {
	local id
	id=$(new_id)
	program spoilt '.process.args = ["/bin/testkit", "pause"]'
	start "$id"
	echo data >"$(root_of "$id")/tmp/file"
	save "$id"
	# /proc/keys and other files, as the kernel has them, are masked with the container's /dev/null.
	spoil "$id" '(.mounts[].tmpfs.entries[]? | select(.path == "null")) |= {path, mode: 41471, target: "/etc/passwd"}'
	refused "$id" ': Too many levels of symbolic links'
	spoil "$id" '(.mounts[].tmpfs.entries[]? | select(.path == "null")).path = "../null"'
	refused "$id" 'tmpfs.path is missing or wrong'
	spoil "$id" .
	echo daty >"$T/spoilt.img/lvm-run-tmpfs.img"
	refused "$id" 'lvm-run-tmpfs.img is not what was saved'
	spoil "$id" .
	lvm restore -d -b "$BUNDLE" --image-path "$T/spoilt.img" "$id" </dev/null >/dev/null 2>&1
	expect_equal data "$(cat "$(root_of "$id")/tmp/file")"
	lvm delete --force "$id"
	nothing_left
}

check 'all that is in them, and files open in them' contents_and_open_files_come_back
check 'a part of one, mounted once more' mounts_of_a_part_stay_parts
check 'their memory counts for the container' their_memory_counts_for_the_container
check 'too much is left to CRIU' what_cannot_be_told_is_left_to_criu \
	'.process.args = ["/bin/sh", "-c", "busybox touch /tmp/ready; exec /bin/testkit pause"]' 2100 1
check 'a mount namespace below is left to CRIU' what_cannot_be_told_is_left_to_criu \
	'.process.args = ["/bin/sh", "-c", "busybox unshare -m sh -c \"busybox touch /tmp/ready; exec /bin/testkit pause\" & exec /bin/testkit pause"] |
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' 3 3
check 'images that lead elsewhere are refused' images_lead_nowhere_else
finish
