.mounts |= map(if .type == "cgroup" then .options -= ["ro"] | .options += ["rw"] else . end)
