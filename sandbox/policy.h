/* Which system calls the built-in profile knows, and what it says to each. Names are libseccomp's. */
#ifndef LVM_RUN_SANDBOX_POLICY_H
#define LVM_RUN_SANDBOX_POLICY_H

/* Lists end with null. What builds may always do. */
extern const char *const policy_allowed[];
/* What they may not do and should be told so: ENOSYS would be a lie that some programs act on. */
extern const char *const policy_refused[];
/* What nested sandboxes need on top, in namespaces of their own. */
extern const char *const policy_nested[];

/* Calls that give a file its mode: never with the bits that lend an owner's or a group's rights. */
struct policy_mode_call {
	const char *name;  /* null: the end */
	unsigned int mode; /* the argument */
	int flags; /* the argument that must say O_CREAT for the mode to count; −1: none */
};
extern const struct policy_mode_call policy_mode_calls[];

#endif
