/* Private to the layer_ files: walking a tree by descriptor, without recursion. Host side. */
#ifndef LVM_RUN_ROOTFS_LAYER_TREE_H
#define LVM_RUN_ROOTFS_LAYER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/names.h"

/* The directories from the top of a walk to where it is. */
struct tree_frame {
	struct names names;
	size_t next;
	struct stat st; /* of the directory, where the walk needs it later */
	bool flag;      /* the walk's own */
};
struct tree_stack {
	struct tree_frame *frames;
	size_t count;
	size_t capacity;
};
void tree_stack_done(struct tree_stack *stack);
#define scoped_tree_stack scoped(tree_stack_done) struct tree_stack

/* A new frame with the names in `directory`; *ret is valid until the next push. */
int tree_stack_push(struct tree_stack *stack, int directory, struct tree_frame **ret,
                    struct error *err) must_check;
void tree_stack_pop(struct tree_stack *stack);

/* Goes into the directory `name`, or with ".." out of it: *fd is replaced. */
int tree_go(int *fd, const char *name, struct error *err) must_check;

/* A device 0:0: overlayfs hides with it what lies below. */
bool tree_is_whiteout(const struct stat *st);

/* overlayfs's attribute with that name ("opaque") of an open directory; `user`: of the user.overlay kind. */
bool tree_has_mark(int directory, const char *mark, bool user);
int tree_set_mark(int directory, const char *mark, bool user, struct error *err) must_check;

#endif
