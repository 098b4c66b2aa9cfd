#include "runtime/sealed_start.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "base/mount_api.h"

#ifdef __x86_64__

/*
 * The kernel enters with the stack pointer at argc and rdx 0 (a function to be called at exit, for
 * the C library): both are given on as they came.
 */
__asm__(".pushsection .text.sealed_start, \"ax\", @progbits\n"
        ".globl sealed_start\n"
        ".type sealed_start, @function\n"
        "sealed_start:\n"
        "	xor %ebp, %ebp\n"
        "	mov %rsp, %rbx\n"
        "	mov %rsp, %rdi\n"
        "	and $-16, %rsp\n"
        "	call sealed_start_main\n"
        "	mov %rbx, %rsp\n"
        "	xor %edx, %edx\n"
        "	jmp _start\n"
        ".size sealed_start, . - sealed_start\n"
        ".popsection\n");

/* No errno, no stack protector, no library: thread-local storage does not exist yet. */
static long call5(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result = 0;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
	                 : "rcx", "r11", "memory");
	return result;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Also true of a container named so: that costs time, not safety. */
static bool has_sealed_verb(char **argv)
{
	for (char **word = argv; *word; word++)
		if (same(*word, "create") || same(*word, "run") || same(*word, "exec") ||
		    same(*word, "sandbox"))
			return true;
	return false;
}

/* The name under which the program was executed: "/dev/fd/N" when by descriptor. */
static const char *executed_name(char **environment)
{
	while (*environment)
		environment++;
	for (const Elf64_auxv_t *aux = (const Elf64_auxv_t *)(const void *)(environment + 1);
	     aux->a_type != AT_NULL; aux++)
		if (aux->a_type == AT_EXECFN)
			return (const char *)
			        aux->a_un.a_val; /* NOLINT(performance-no-int-to-ptr) */
	return "";
}

__attribute__((no_stack_protector)) void sealed_start_main(char **stack)
{
	char **argv = stack + 1;
	char **environment = argv + (uintptr_t)stack[0] + 1;
	const char *name = executed_name(environment);
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};

	if (!has_sealed_verb(argv) || (name[0] == '/' && name[1] == 'd' && name[2] == 'e' &&
	                               name[3] == 'v' && name[4] == '/' && name[5] == 'f'))
		return;

	long tree = call5(SYS_open_tree, AT_FDCWD, (long)"/proc/self/exe",
	                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);

	if (tree < 0)
		return;
	if (call5(SYS_mount_setattr, tree, (long)"", AT_EMPTY_PATH, (long)&readonly,
	          sizeof(readonly)) == 0)
		(void)call5(SYS_execveat, tree, (long)"", (long)argv, (long)environment,
		            AT_EMPTY_PATH);
	(void)call5(SYS_close, tree, 0, 0, 0, 0);
}

#endif
