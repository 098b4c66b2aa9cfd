.linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.type != "sysfs"))
