# exec: --user 7:8 --additional-gids 9 --cwd /tmp --env FOO=bar --env=EMPTY= --cap CAP_NET_RAW --no-new-privs
.
