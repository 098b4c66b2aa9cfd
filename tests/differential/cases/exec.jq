# exec:
.
