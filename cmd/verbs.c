#include "cmd/verbs.h"

#define GLOBAL(member) offsetof(struct global_options, member)

const struct option global_options[] = {
	{"root", "", OPTION_TEXT, GLOBAL(root), "DIR",
         "where the state of containers is kept (/run/lvm-run; for a user "
         "$XDG_RUNTIME_DIR/lvm-run)"},
	{"store", "", OPTION_TEXT, GLOBAL(store), "DIR",
         "where what outlives a boot is kept: layers, snapshots, templates (/var/lib/lvm-run; for "
         "a "
         "user $XDG_DATA_HOME/lvm-run)"},
	{"log", "", OPTION_TEXT, GLOBAL(log), "FILE",
         "append errors to FILE as well as to standard error; warnings and debug lines go there "
         "alone; journald:NAME and syslog:NAME send them there, as from NAME"},
	{"log-format", "", OPTION_TEXT, GLOBAL(log_format), "text|json",
         "how lines of the log are written (text)"},
	{"log-level", "", OPTION_TEXT, GLOBAL(log_level), "debug|info|warning|warn|error",
         "the least important lines that the log gets (warning; error with --log)"},
	{"debug", "", OPTION_FLAG, GLOBAL(debug), NULL, "the same as --log-level=debug"},
	{"cgroup-manager", "", OPTION_TEXT, GLOBAL(cgroup_manager), "cgroupfs|systemd|disabled",
         "who makes the control groups (cgroupfs)"},
	{"systemd-cgroup", "s", OPTION_FLAG, GLOBAL(systemd_cgroup), NULL,
         "the same as --cgroup-manager=systemd, unless that option is given too"},
	{"rootless", "", OPTION_IGNORED, 0, "auto|true|false",
         "ignored: the runtime sees by itself what it may do"},
	{"version", "vV", OPTION_FLAG, GLOBAL(version), NULL,
         "print the version and what is built in"},
	{0},
};

const struct verb_group_text verb_groups[VERB_GROUP_COUNT] = {
	[VERB_GROUP_LIFE] = {"Life of a container",
                             "lvm-run create -b bundle web1 && lvm-run start web1"},
	[VERB_GROUP_ACT] = {"Acting on a running container", "lvm-run exec -t web1 sh"},
	[VERB_GROUP_LOOK] = {"Looking at containers", "lvm-run list"},
	[VERB_GROUP_HOST] = {"Bundles and the host", "lvm-run spec -b bundle"},
	[VERB_GROUP_ABOUT] = {"About this program", "lvm-run help create"},
};

const struct verb verbs[] = {
	{
		.name = "create",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_SEALED | VERB_ID | VERB_NEW,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "make a container from a bundle; its program waits for start",
		.details =
			"A bundle is a directory with config.json, which describes the container "
			"(see spec), and mostly with the root file system that it names. create "
			"makes "
			"the namespaces, the control group and the mounts and leaves a process "
			"that "
			"waits. With process.terminal the other end of the terminal is sent to "
			"--console-socket.",
		.example = "lvm-run create -b bundle web1",
		.options = run_options + RUN_ONLY_OPTIONS,
		.run = create_main,
	},
	{
		.name = "start",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "let a created container run its program",
		.details = "start returns when the program was executed, and fails when it could "
			   "not be. With NOTIFY_SOCKET in the environment of create and start "
			   "it waits until the program says that it is ready, and passes that "
			   "on.",
		.example = "lvm-run start web1",
		.run = start_main,
	},
	{
		.name = "run",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_SEALED | VERB_ID | VERB_NEW,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "create and start in one; waits for the program's end",
		.details = "In the foreground signals are passed on to the program, a terminal is "
			   "carried through, the container is deleted at the end, and the exit "
			   "status is "
			   "that of the program, or 128 and the number of the signal that ended "
			   "it. With "
			   "--detach run returns once the program was started.",
		.example = "lvm-run run -b bundle web1",
		.options = run_options,
		.run = run_main,
	},
	{
		.name = "restore",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_ID | VERB_NEW,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "make a running container from the files of a checkpoint",
		.details =
			"Bundle and id may be others than at the checkpoint; mounts, limits and "
			"network namespace are taken from the bundle. The standard streams of the "
			"command become the container's. Files that were changed since the "
			"checkpoint "
			"are refused. Without --detach it stays in the foreground like run.",
		.example = "lvm-run restore -d -b bundle --image-path /var/tmp/web1 web2",
		.options = restore_options,
		.run = restore_main,
	},
	{
		.name = "sandbox",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_SEALED | VERB_REST,
		.min_words = 1,
		.max_words = -1,
		.words = "[--] COMMAND [ARGUMENT...]",
		.summary = "run a command that nobody trusts, on a copy of this host's files",
		.details =
			"The command sees the files of this host, but what it writes goes to "
			"layers in "
			"memory and is discarded at the end. It has no network but a loopback "
			"of its "
			"own, no capabilities, its own processes, users, /tmp, /dev and /proc; "
			"keys, "
			"tokens and the sockets of agents and daemons are hidden, and of the "
			"environment only what is harmless is handed on. Everything it leaves "
			"running "
			"is ended with it, and it ends when lvm-run does.\n"
			"The exit status is the command's, or 128 and the number of the signal "
			"that "
			"ended it; 124 when it was ended by --timeout or --max-silent, 125 when "
			"the "
			"sandbox failed, 126 and 127 when the command could not be executed or "
			"found. "
			"--report tells more, as JSON.\n"
			"With --net-allow, as in --net-allow crates.io:443/tcp, it reaches what is "
			"named and nothing else. Names are looked up here and stand in its "
			"/etc/hosts; one that stands for a private, loopback or link-local "
			"address is refused, such an address must be named itself. Root's "
			"sandboxes get there by a veth pair, which needs nftables in the kernel, "
			"those of others by pasta(1).\n"
			"It works for root and for other users, who need user namespaces. The "
			"names of "
			"options are those of bubblewrap and of Bazel's linux-sandbox where "
			"they mean "
			"the same. Paths given to options are those of this host.",
		.example = "lvm-run sandbox --timeout 10m --memory 2G -- make -j4",
		.options = sandbox_options,
		.run = sandbox_main,
	},
	{
		.name = "clone",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_SEALED | VERB_ID,
		.min_words = 2,
		.max_words = 2,
		.words = "SOURCE NEW",
		.summary = "make containers that go on where another is",
		.details =
			"A clone has the memory and the disk of its source, and its own id, host "
			"name, "
			"/etc/machine-id, control group, namespaces and writable layer. A running "
			"source stands still while it is saved and its writable layer is copied, "
			"and "
			"runs on; clones of a stopped one start the program from its beginning. "
			"Each "
			"clone is there as a whole or not at all; a line on standard error tells "
			"of "
			"each.\n"
			"/etc/lvm-run-generation holds a random id that every clone and revert "
			"changes "
			"before the program goes on: who keeps a random state reseeds then. The "
			"new "
			"network namespace has lo alone; --network joins one that was prepared.",
		.example = "lvm-run clone --count 3 web1 copy",
		.options = clone_options,
		.run = clone_main,
	},
	{
		.name = "template",
		.group = VERB_GROUP_HOST,
		.flags = VERB_SEALED,
		.min_words = 1,
		.max_words = 3,
		.words = "create|list|delete [ID] [NAME]",
		.summary = "keep a sealed state from which clones start",
		.details =
			"create ID NAME seals the state of a container, or of a snapshot of it; "
			"the "
			"container may be deleted then. clone --template NAME NEW makes containers "
			"of it. delete NAME removes it; clones keep what they need.",
		.example = "lvm-run template create web1 warm",
		.options = template_options,
		.run = template_main,
	},
	{
		.name = "delete",
		.alias = "rm",
		.group = VERB_GROUP_LIFE,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "remove a stopped container and all that it left",
		.details =
			"--force also ends a running container, and cleans up one whose record is "
			"missing or damaged; an unknown id is then no error.",
		.example = "lvm-run delete --force web1",
		.options = delete_options,
		.run = delete_main,
	},
	{
		.name = "exec",
		.group = VERB_GROUP_ACT,
		.flags = VERB_SEALED | VERB_ID | VERB_REST,
		.min_words = 1,
		.max_words = -1,
		.words = "ID COMMAND [ARGUMENT...]",
		.summary = "run one more program in a container",
		.details =
			"The program gets the user, directory, environment, capabilities and "
			"limits "
			"of the container's own process, changed by the options, or those of "
			"--process. "
			"Options end at ID. The exit status is that of the program, or 255 when it "
			"could not be run.",
		.example = "lvm-run exec -t web1 sh",
		.options = exec_options,
		.run = exec_main,
	},
	{
		.name = "kill",
		.group = VERB_GROUP_ACT,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 2,
		.words = "ID [SIGNAL]",
		.summary = "send a signal to a container",
		.details = "SIGNAL is a name with or without SIG, in any case, or a number: TERM, "
			   "sigkill, RTMIN+3, 9. Without it TERM is sent.",
		.example = "lvm-run kill web1 KILL",
		.options = kill_options,
		.run = kill_main,
	},
	{
		.name = "pause",
		.group = VERB_GROUP_ACT,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "freeze all processes of a container",
		.details = "pause returns when every process stands still.",
		.example = "lvm-run pause web1",
		.run = pause_main,
	},
	{
		.name = "resume",
		.group = VERB_GROUP_ACT,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "let a paused container go on",
		.details = "resume returns when the processes run again.",
		.example = "lvm-run resume web1",
		.run = resume_main,
	},
	{
		.name = "update",
		.group = VERB_GROUP_ACT,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "change the limits of a container",
		.details = "All that is asked for is changed, or nothing: when the kernel refuses "
			   "one value, those set before it get their old values back. What no "
			   "option names stays as it is. Options change what --resources says.",
		.example = "lvm-run update --memory 512M --pids-limit 100 web1",
		.options = update_options,
		.run = update_main,
	},
	{
		.name = "mounts",
		.group = VERB_GROUP_ACT,
		.min_words = 3,
		.max_words = 3,
		.words = "add|remove ID FILE",
		.summary = "add mounts to a living container, or remove them",
		.details = "FILE is a JSON array of mounts as in config.json; - is standard input. "
			   "All of them are added, or none. Sources are looked up on the host, "
			   "destinations inside the container. Only what was added can be removed, "
			   "all of it or nothing, and nothing that is busy, unless it was bound "
			   "recursively; of a mount to remove only the destination counts.",
		.example = "lvm-run mounts add web1 mounts.json",
		.run = mounts_main,
	},
	{
		.name = "snapshot",
		.group = VERB_GROUP_ACT,
		.flags = VERB_SEALED,
		.min_words = 2,
		.max_words = 4,
		.words = "create|list|show|diff|delete|revert ID [NAME [NAME]]",
		.summary = "keep states of a container, memory and disk, to go back to",
		.details =
			"create takes a snapshot (s1, s2, ... unless NAME is given), whose parent "
			"is "
			"the one that the present state comes from. Of a container with --overlay "
			"the "
			"disk costs nothing: its writable layer is sealed and gets a successor; "
			"the "
			"processes are saved, ended and restored in place, with the same standard "
			"streams. With --live, and where an engine made the root, they stay, and "
			"the "
			"writable layer is copied while they stand still. A stopped container has "
			"a disk "
			"alone.\n"
			"revert goes back, from whatever state: in the end all is as it was then, "
			"or, if that fails, as it was before. A snapshot of the disk alone starts "
			"the "
			"program anew if the container ran. delete merges the layer into that of "
			"the "
			"snapshot after it. diff compares with the present state, or with a second "
			"snapshot; without a NAME it begins at the present state's own. Needs CRIU "
			"for memory, and root.",
		.example = "lvm-run snapshot create web1 before-upgrade",
		.options = snapshot_options,
		.run = snapshot_main,
	},
	{
		.name = "revert",
		.group = VERB_GROUP_ACT,
		.flags = VERB_SEALED | VERB_ID,
		.min_words = 2,
		.max_words = 2,
		.words = "ID NAME",
		.summary = "go back to a snapshot",
		.details = "The same as snapshot revert.",
		.example = "lvm-run revert web1 before-upgrade",
		.options = snapshot_options + SNAPSHOT_ONLY_OPTIONS,
		.run = revert_main,
	},
	{
		.name = "stats",
		.group = VERB_GROUP_LOOK,
		.max_words = -1,
		.words = "[ID...]",
		.summary = "show what containers use, for people",
		.details = "Without ID all containers that run. The table is shown again every "
			   "interval, as long as one of them lives; CPU is in percent of one CPU, "
			   "and WAITED is how much of the last ten seconds some process waited for "
			   "CPU, memory or disks. What this host cannot tell is a dash.",
		.example = "lvm-run stats --no-stream",
		.options = stats_options,
		.run = stats_main,
	},
	{
		.name = "events",
		.group = VERB_GROUP_LOOK,
		.flags = VERB_ID | VERB_QUIET,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "print statistics and events of a container as JSON, for programs",
		.details = "One object a line: every interval the statistics (type stats), and "
			   "each time that the kernel ended a process for want of memory an event "
			   "(type oom). It ends when the container ends. The form is that of runc.",
		.example = "lvm-run events --stats web1",
		.options = events_options,
		.run = events_main,
	},
	{
		.name = "wait",
		.group = VERB_GROUP_LOOK,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "wait for the end of a container and print its exit status",
		.details =
			"The exit status of wait is that of the container's program too, or 128 "
			"and the number of the signal that ended it. When the time is up nothing "
			"is printed and it is 124. It is 125 when the container has ended and its "
			"status is not known any more: the kernel tells it to others than the "
			"parent since Linux 6.15, and only if wait was there before the end; or "
			"as long as the parent has not asked.",
		.example = "lvm-run wait --timeout 1m web1",
		.options = wait_options,
		.run = wait_main,
	},
	{
		.name = "checkpoint",
		.group = VERB_GROUP_ACT,
		.flags = VERB_ID,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "save a running container to files",
		.details =
			"The processes stand still meanwhile. The image directory appears once it "
			"is "
			"whole; when anything fails the container runs on and no images are left. "
			"CRIU " CRIU_VERSION_MIN_TEXT
			" or later does the work: what LVM_RUN_CRIU names, else the one "
			"installed with lvm-run, else the first in PATH.",
		.example = "lvm-run checkpoint --image-path /var/tmp/web1 web1",
		.options = checkpoint_options,
		.run = checkpoint_main,
	},
	{
		.name = "state",
		.group = VERB_GROUP_LOOK,
		.flags = VERB_ID | VERB_QUIET,
		.min_words = 1,
		.max_words = 1,
		.words = "ID",
		.summary = "print the state of a container as JSON",
		.details = "status is one of creating, created, running, paused, stopped; pid is 0 "
			   "for a "
			   "stopped container.",
		.example = "lvm-run state web1",
		.run = state_main,
	},
	{
		.name = "list",
		.alias = "ls",
		.group = VERB_GROUP_LOOK,
		.flags = VERB_QUIET,
		.words = "",
		.summary = "list all containers",
		.details = "A container whose record cannot be read is listed as damaged.",
		.example = "lvm-run list --format json",
		.options = list_options,
		.run = list_main,
	},
	{
		.name = "ps",
		.group = VERB_GROUP_LOOK,
		.flags = VERB_ID | VERB_QUIET | VERB_REST,
		.min_words = 1,
		.max_words = -1,
		.words = "ID [PS OPTION...]",
		.summary = "list the processes of a container",
		.details = "As a table it is the output of ps(1), run with the options given "
			   "(-ef), with "
			   "the lines of the container's processes alone. Process ids are those of "
			   "the host.",
		.example = "lvm-run ps web1 -eo pid,stat,args",
		.options = ps_options,
		.run = ps_main,
	},
	{
		.name = "spec",
		.group = VERB_GROUP_HOST,
		.words = "",
		.summary = "write a config.json to begin with",
		.details = "The container it describes runs sh on a terminal, on the root file "
			   "system in "
			   "rootfs beside it. A file that exists is never overwritten.",
		.example = "mkdir -p bundle/rootfs && lvm-run spec -b bundle",
		.options = spec_options,
		.run = spec_main,
	},
	{
		.name = "validate",
		.group = VERB_GROUP_HOST,
		.max_words = 1,
		.words = "[BUNDLE]",
		.summary = "check a bundle without running it",
		.details =
			"All findings are listed, each with the place in config.json: an error is "
			"what create would refuse anywhere, a warning what this host lacks for it, "
			"a note a property that nothing reads. The exit status is 1 when there is "
			"an error. BUNDLE is the current directory when it is left out.",
		.example = "lvm-run validate bundle",
		.options = validate_options,
		.run = validate_main,
	},
	{
		.name = "features",
		.group = VERB_GROUP_HOST,
		.flags = VERB_QUIET,
		.words = "",
		.summary = "print as JSON what this runtime can do",
		.details = "The document follows the OCI runtime specification. It tells what is "
			   "built "
			   "in, not what this host offers: see doctor.",
		.example = "lvm-run features",
		.run = features_main,
	},
	{
		.name = "doctor",
		.group = VERB_GROUP_HOST,
		.words = "",
		.summary = "look at what this host offers and say what is missing",
		.details =
			"Features of the kernel are tried, not guessed from its version. For each "
			"missing piece there is a sentence about what it means and what to do. The "
			"exit "
			"status is 1 when containers cannot run here at all.",
		.example = "lvm-run doctor",
		.options = doctor_options,
		.run = doctor_main,
	},
	{
		.name = "gc",
		.group = VERB_GROUP_HOST,
		.words = "",
		.summary = "clean up what killed commands left behind",
		.details = "Removes containers whose creation never finished, records of an "
			   "earlier boot and temporary files, ends what hooks of killed "
			   "commands left running, and prints a line for each.",
		.example = "lvm-run gc",
		.run = gc_main,
	},
	{
		.name = "help",
		.group = VERB_GROUP_ABOUT,
		.max_words = 1,
		.words = "[VERB]",
		.summary = "explain this program or one verb",
		.details = "The same as lvm-run --help and lvm-run VERB --help.",
		.example = "lvm-run help run",
		.run = help_main,
	},
	{
		.name = "man",
		.group = VERB_GROUP_ABOUT,
		.words = "",
		.summary = "print the manual page",
		.details = "The page is written in roff, for man(1).",
		.example = "lvm-run man | man -l -",
		.run = manual_main,
	},
	{
		.name = "completion",
		.group = VERB_GROUP_ABOUT,
		.min_words = 1,
		.max_words = 1,
		.words = "bash",
		.summary = "print a completion script for a shell",
		.details = "The script completes verbs, options and the ids of containers.",
		.example = "source <(lvm-run completion bash)",
		.run = completion_main,
	},
	{
		.name = "version",
		.group = VERB_GROUP_ABOUT,
		.words = "",
		.summary = "print the version and what is built in",
		.details = "The same as lvm-run --version.",
		.example = "lvm-run version",
		.run = version_main,
	},
	{0},
};
