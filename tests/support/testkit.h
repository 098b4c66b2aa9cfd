/* What the files of testkit share: their applets, and a few words for all of them. */
#ifndef LVM_RUN_TESTS_SUPPORT_TESTKIT_H
#define LVM_RUN_TESTS_SUPPORT_TESTKIT_H

#include <stdbool.h>
#include <stddef.h>

/* To standard output at once, unbuffered. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program with 3; returns for the sake of `return die(…)`. */
int die(const char *what);
int number(const char *text);
/* Seconds of the monotonic clock. */
double now(void);

/* testkit_busy.c */
int busy_main(char **words);
int hold_main(char **words);
int sink_main(char **words);
/* testkit_socket.c */
int console_main(char **words);
int stall_main(char **words);
int notified_main(char **words);
int notify_main(char **words);
int pidfd_main(char **words);
int agent_main(char **words);
/* testkit_pages.c */
int pages_main(char **words);
/* testkit_pty.c */
int pty_main(char **words);
/* testkit_snoop.c */
int snoop_main(char **words);

#endif
