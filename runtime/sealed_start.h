/*
 * The shortest way into the sealed program (sealed_exe.h): before the C library has started, so that
 * a command that has to execute itself does not set up a whole process image only to throw it away.
 * It saves some fourteen system calls and twenty page faults.
 *
 * The program's entry point is sealed_start (the linker's -e option; x86-64 and static only). It
 * does what sealed_exe_ensure does, by naked system calls, when a word of the command line is one of
 * the verbs that need it, and goes on to the C library's _start otherwise or when anything fails:
 * sealed_exe_ensure, which is called in any case, then finds the program unsealed.
 */
#ifndef LVM_RUN_RUNTIME_SEALED_START_H
#define LVM_RUN_RUNTIME_SEALED_START_H

/* The entry point, in assembly; passes the stack that the kernel made to sealed_start_main. */
void sealed_start(void);

/* `stack` holds argc, argv, the environment and the auxiliary vector, as the kernel laid them. */
void sealed_start_main(char **stack);

#endif
