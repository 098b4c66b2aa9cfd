# The same as hold.c in Python: 200 MB, then "ready", then it waits; with the argument "once" it ends.
import os
import signal
import sys

null = os.open("/dev/null", os.O_RDWR)
for fd in range(3):
    os.dup2(null, fd)
if null > 2:
    os.close(null)
memory = bytearray(os.urandom(4096) * (200 * 1000 * 1000 // 4096))
with open("/proc/self/comm", "w") as comm:
    comm.write("ready")
while sys.argv[1:] != ["once"]:
    signal.pause()
