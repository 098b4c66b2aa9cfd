# options: --preserve-fds 2
.
