.linux.namespaces |= map(select(.type != "cgroup"))
