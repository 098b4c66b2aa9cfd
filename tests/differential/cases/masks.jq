.linux.maskedPaths = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/none"] | .linux.readonlyPaths = ["/proc/irq", "/proc/sys", "/proc/sysrq-trigger", "/none"]
