/* Removing a group with all groups below it, however deep a container has nested them. Host side. */
#ifndef LVM_RUN_CGROUPS_TREE_H
#define LVM_RUN_CGROUPS_TREE_H

#include "base/macro.h"

/*
 * Removes all groups below `dirfd`, holding two descriptors at most: 0, −EBUSY when a process lives in
 * one of them, another −errno.
 */
int tree_remove_below(int dirfd) must_check;

#endif
