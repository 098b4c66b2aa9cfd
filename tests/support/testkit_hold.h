/* What the words of testkit's applet "hold" share. */
#ifndef LVM_RUN_TESTS_SUPPORT_TESTKIT_HOLD_H
#define LVM_RUN_TESTS_SUPPORT_TESTKIT_HOLD_H

#include <netinet/in.h>
#include <sys/types.h>

#include "testkit.h"

struct held {
	const struct holding *how;
	const char *value;
	int fd, other;
	off_t size;
	unsigned long sent[2], got[2]; /* bytes, by `fd` and by `other` */
};

struct holding {
	const char *word;
	void (*begin)(struct held *held);
	void (*try)(struct held *held, unsigned long number);
};

/* Says what was wrong, with errno's words, and ends. */
void hold_stop(const char *what);
struct sockaddr_in hold_local_address(long port);

/* --- testkit_hold_tcp.c --- */

void hold_listen_begin(struct held *held);
void hold_listen_try(struct held *held, unsigned long number);
void hold_tcp_begin(struct held *held);
void hold_tcp_try(struct held *held, unsigned long number);
void hold_full_begin(struct held *held);
void hold_full_try(struct held *held, unsigned long number);
void hold_half_begin(struct held *held);
void hold_half_try(struct held *held, unsigned long number);

#endif
