#include "rows.h"

#define CREATE "%R create -b %B --pid-file %P %I"
#define RUNNING                                                                                    \
	{                                                                                          \
		CREATE, "%R start %I"                                                              \
	}
#define CRUN_RUNNING                                                                               \
	{                                                                                          \
		"%C create -b %B --pid-file %P %I", "%C start %I"                                  \
	}
#define DELETE "%R delete -f %I"
#define CHECKPOINT "%R checkpoint --manage-cgroups-mode %G --image-path %D"
#define RESTORE "%R restore -d --manage-cgroups-mode %G --image-path %D -b %B"
#define READY                                                                                      \
	{                                                                                          \
		"%R run -d -b %B --pid-file %P %I", "!ready"                                       \
	}
#define SAVED                                                                                      \
	{                                                                                          \
		"%R run -d -b %B --pid-file %P %I", "!ready", CHECKPOINT " %I"                     \
	}

#define CLONES(action) "/mnt/source/clones " action " %R %B %P %I %D"

/* Each round with a new one: what was sealed is no writable layer any more. */
#define SEALED                                                                                     \
	.prepare = {CLONES("upper")}, .own = {CLONES("seal"), "!part"},                            \
	.cleanup = {CLONES("end_upper")}, .part = "disk ms", .rounds_percent = 50,                 \
	.bars = {{LVM_RUN, PART, 2, 0}}

const char *const peer_names[PEER_COUNT] = {"lvm-run", "crun", "runc", "floor"};

const struct row rows[] = {
	{
		.name = "startup",
		.title = "start of the program: --version (floor: a static program that does "
			 "nothing)",
		.bundle = "true",
		.timed = {"%R --version"},
		.floor = "%F/bin/true",
	},
	{
		.name = "run",
		.title = "run /bin/true, default config",
		.bundle = "true",
		.timed = {"%R run -b %B %I"},
		.floor = "%R run %F /bin/true",
		.bars = {{CRUN, WALL, 0.50, 0.40},
                         {FLOOR, WALL, 1.6, 1.35},
                         {RUNC, WALL, 0.14, 0},
                         {CRUN, RSS, 0.5, 0}},
	},
	{
		.name = "lifecycle",
		.title = "create + start + delete of /bin/true, the sum of the three commands",
		.bundle = "true",
		.timed = {CREATE, "%R start %I", "%R delete %I"},
		.between = "!gone",
		.bars = {{CRUN, WALL, 0.40, 0.25}, {RUNC, WALL, 0.08, 0}},
	},
	{
		.name = "exec",
		.title = "exec /bin/true in a running container",
		.bundle = "sleep",
		.setup = RUNNING,
		.timed = {"%R exec %I /bin/true"},
		.teardown = {DELETE},
		.floor_setup = CRUN_RUNNING,
		.floor = "%R exec %p /bin/true",
		.floor_teardown = "%C delete -f %I",
		.bars = {{CRUN, WALL, 0.50, 0.35}, {FLOOR, WALL, 2, 1.5}, {RUNC, WALL, 0.13, 0}},
	},
	{
		.name = "state",
		.title = "state of a running container",
		.bundle = "sleep",
		.setup = RUNNING,
		.timed = {"%R state %I"},
		.teardown = {DELETE},
		.bars = {{CRUN, WALL, 0.30, 0.20}},
	},
	{
		.name = "kill",
		.title = "kill: a signal that the running container ignores",
		.bundle = "sleep",
		.setup = RUNNING,
		.timed = {"%R kill %I WINCH"},
		.teardown = {DELETE},
		.bars = {{CRUN, WALL, 0.30, 0.20}},
	},
	{
		.name = "delete",
		.title = "delete -f of a running container",
		.bundle = "sleep",
		.prepare = RUNNING,
		.timed = {DELETE},
		.bars = {{CRUN, WALL, 0.30, 0}, {RUNC, WALL, 0.03, 0}},
	},
	{
		.name = "seccomp",
		.title = "run with Podman's configuration and seccomp profile, filter cached",
		.bundle = "podman",
		.timed = {"%R run -b %B %I"},
		.bars = {{CRUN, WALL, 0.50, 0.40}, {RUNC, WALL, 0.08, 0}},
	},
	{
		.name = "seccomp-cold",
		.title = "run with Podman's configuration and seccomp profile, no filter cached",
		.bundle = "podman",
		.prepare = {"!cold"},
		.timed = {"%R run -b %B %I"},
		.rounds_percent = 50,
		.bars = {{CRUN, WALL, 1.0, 0.3}},
	},
	{
		.name = "parallel",
		.title = "run /bin/true, 32 at a time",
		.bundle = "true",
		.timed = {"%R run -b %B %I"},
		.floor = "%R run %F /bin/true",
		.rounds_percent = 10,
		.width = 32,
		.bars = {{CRUN, THROUGHPUT, 2.0, 3.0}},
	},
	{
		.name = "list",
		.title = "list with 200 containers",
		.bundle = "sleep",
		.setup = {"%R create -b %B %I-%n"},
		.timed = {"%R list"},
		.teardown = {"%R delete -f %I-%n"},
		.repeat = 200,
		.bars = {{CRUN, WALL, 0.5, 0.3}},
	},
	{
		.name = "checkpoint-idle",
		.title = "checkpoint --leave-running of a static program that waits",
		.bundle = "idle",
		.setup = READY,
		.timed = {CHECKPOINT " --leave-running %I"},
		.teardown = {DELETE},
		.bars = {{CRUN, WALL, 0.30, 0.20}},
	},
	{
		.name = "restore-idle",
		.title = "restore of it, until it runs again",
		.bundle = "idle",
		.setup = SAVED,
		.timed = {RESTORE " %I"},
		.cleanup = {DELETE},
		.bars = {{CRUN, WALL, 0.30, 0.20}},
	},
	{
		.name = "checkpoint-py",
		.title = "checkpoint --leave-running of Python with 200 MB",
		.bundle = "py",
		.setup = READY,
		.timed = {CHECKPOINT " --leave-running %I"},
		.teardown = {DELETE},
		.rounds_percent = 30,
		.bars = {{CRUN, WALL, 0.60, 0}},
	},
	{
		.name = "frozen",
		.title = "how long a program with 200 MB stands still: checkpoint --leave-running",
		.bundle = "tick",
		.setup = READY,
		.prepare = {"!frozen"},
		.timed = {CHECKPOINT " --leave-running %I", "!frozen"},
		.teardown = {DELETE},
		.part = "frozen ms",
		.rounds_percent = 30,
		.bars = {{CRUN, PART, 0.70, 0}},
	},
	{
		.name = "restore-py",
		.title = "restore of it (floor: its cold start, until it has its memory)",
		.bundle = "py",
		.setup = SAVED,
		.timed = {RESTORE " %I"},
		.cleanup = {DELETE},
		.floor = "%R run %F /usr/bin/python3 /bin/hold.py once",
		.rounds_percent = 30,
		.bars = {{CRUN, WALL, 0.60, 0}, {FLOOR, WALL, 1.0, 0.8}},
	},
	{
		.name = "restore-lazy-py",
		.title = "restore --lazy-pages of it, until it runs again, the others without",
		.bundle = "py",
		.setup = SAVED,
		.timed = {RESTORE " %I"},
		.own = {RESTORE " --lazy-pages %I"},
		.cleanup = {DELETE},
		.rounds_percent = 30,
		.bars = {{CRUN, WALL, 0.15, 0.08}},
	},
	{
		.name = "restore-lazy-1g",
		.title = "the same of a program with 1 GiB",
		.bundle = "big",
		.setup = SAVED,
		.timed = {RESTORE " %I"},
		.own = {RESTORE " --lazy-pages %I"},
		.cleanup = {DELETE},
		.rounds_percent = 20,
		.bars = {{CRUN, WALL, 0.15, 0.08}},
	},
	{
		.name = "clone-idle",
		.title = "ten clones of a static program that waits, one after another (crun, "
			 "runc: a copy of the "
			 "images and a restore each)",
		.bundle = "idle",
		.setup = {CLONES("setup")},
		.timed = {CLONES("make") " 1"},
		.cleanup = {CLONES("remove")},
		.teardown = {CLONES("end")},
		.rounds_percent = 20,
		.bars = {{CRUN, WALL, 0.25, 0.12}},
	},
	{
		.name = "clone-idle-2",
		.title = "the same, two at a time",
		.bundle = "idle",
		.setup = {CLONES("setup")},
		.timed = {CLONES("make") " 2"},
		.cleanup = {CLONES("remove")},
		.teardown = {CLONES("end")},
		.rounds_percent = 20,
		.bars = {{CRUN, WALL, 0.25, 0.12}},
	},
	{
		.name = "clone-64m",
		.title = "ten clones of a program with 64 MiB, one after another",
		.bundle = "mid",
		.setup = {CLONES("setup")},
		.timed = {CLONES("make") " 1"},
		.cleanup = {CLONES("remove")},
		.teardown = {CLONES("end")},
		.rounds_percent = 20,
		.bars = {{CRUN, WALL, 0.45, 0.30}},
	},
	{
		.name = "clone-64m-2",
		.title = "the same, two at a time",
		.bundle = "mid",
		.setup = {CLONES("setup")},
		.timed = {CLONES("make") " 2"},
		.cleanup = {CLONES("remove")},
		.teardown = {CLONES("end")},
		.rounds_percent = 20,
		.bars = {{CRUN, WALL, 0.45, 0.30}},
	},
	{
		.name = "snapshot-disk",
		.title = "the whole command that snapshots a stopped container with 100 MB in its "
			 "writable layer (crun, runc: cp -a of as much)",
		.bundle = "upper",
		.prepare = {CLONES("upper") " 100"},
		.timed = {CLONES("disk")},
		.own = {"%R --store %D-store snapshot create %I"},
		.cleanup = {CLONES("end_upper")},
		.rounds_percent = 50,
		.bars = {{CRUN, WALL, 0.25, 0.10}},
	},
	{
		.name = "seal-1m",
		.title = "the disk's part of a snapshot of a stopped container with 1 MB in its "
			 "writable layer",
		.bundle = "upper1",
		SEALED,
	},
	{
		.name = "seal-100m",
		.title = "the same with 100 MB",
		.bundle = "upper",
		SEALED,
	},
	{
		.name = "rotate",
		.title = "the same of a running program with 64 MiB of memory: dump, stop, seal, "
			 "restore in place",
		.bundle = "mid",
		.prepare = {CLONES("alive")},
		.own = {CLONES("seal"), "!part"},
		.cleanup = {CLONES("end_upper")},
		.part = "disk ms",
		.rounds_percent = 50,
		.bars = {{LVM_RUN, PART, 2, 0}},
	},
};

const size_t row_count = sizeof(rows) / sizeof(rows[0]);
