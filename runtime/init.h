/*
 * Init: the first process of a container, from clone to execve. Child side.
 */
#ifndef LVM_RUN_RUNTIME_INIT_H
#define LVM_RUN_RUNTIME_INIT_H

#include "runtime/plan.h"

/* Walks the list of steps in init.c; reports a failure over the sync socket. Does not return. */
_Noreturn void init_main(struct init_plan *plan);

/*
 * The intermediate process that some namespaces need (namespace_plan.needs_stage): joins, sets time
 * offsets, clones init as its sibling with `clone_flags`, reports its process id. Does not return,
 * neither in itself nor in init.
 */
_Noreturn void init_stage(struct init_plan *plan, uint64_t clone_flags);

/* The exit status of init when it could not become the program. */
enum { EXIT_SETUP = 125 };

/* What every child of ours does first: standard signal dispositions and mask, death with the host. */
int init_enter_signals(struct error *err) must_check;

#endif
