/*
 * What a sandbox hides of the host although its files would be readable: keys, tokens, passwords, the
 * sockets of agents and of daemons that act as root. The two tables in secrets.c are the list; the manual page
 * prints them from there.
 */
#ifndef LVM_RUN_SANDBOX_SECRETS_H
#define LVM_RUN_SANDBOX_SECRETS_H

#include "sandbox/view.h"

/* Paths below a home directory; ends with null. */
extern const char *const secrets_of_homes[];
/* Absolute paths; ends with null. */
extern const char *const secrets_of_host[];

/*
 * Adds to the view's hidden paths those that exist: of $HOME, for root also of /root and of every
 * directory in /home, and of the host.
 */
int secrets_hide(struct view *view, bool root, struct error *err) must_check;

#endif
