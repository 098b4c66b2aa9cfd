.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "80", "net.ipv4.ping_group_range": "0 0", "kernel.shmmax": "65536", "fs.mqueue.msg_max": "20"}
