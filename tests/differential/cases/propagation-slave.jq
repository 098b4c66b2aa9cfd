.linux.rootfsPropagation = "slave"
