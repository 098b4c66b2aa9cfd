#!/usr/bin/env bash
# linux.resources.rdma: what the kernel says to it. No machine here has an RDMA device; that the values
# are right is shown over a folder that stands for a group (tests/unit/cgroups: test_limits, test_update).
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["true"]' '.linux.resources.rdma = {"mlx5_9": {"hcaHandles": 3, "hcaObjects": 100}}' || exit 1
run() { lvm run -b "$BUNDLE" "$(new_id)"; }
controllers=$(cat "$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)/cgroup.controllers")
case " $controllers " in *' rdma '*) there=1 ;; *) there= ;; esac

the_kernel_knows_no_such_device() {
	[ "$there" ] || skip 'the rdma controller is not in the v2 hierarchy'
	expect_error 'linux.resources.rdma.mlx5_9: write "mlx5_9 hca_handle=3 hca_object=100" to rdma.max: No such device' run
	nothing_left
}

a_missing_controller_is_named() {
	expect_error rdma run
	nothing_left
}

nothing_asked_for_is_nothing_done() {
	edit_config '.linux.resources.rdma = {"mlx5_9": {}}'
	run
}

check 'a device that is not there is named with what was written' the_kernel_knows_no_such_device
[ "$there" ] || check 'without the controller the limit is refused' a_missing_controller_is_named
check 'a device without limits asks for nothing' nothing_asked_for_is_nothing_done
check 'features claim the controller' expect_output true jq .linux.cgroup.rdma <(lvm features)
finish
