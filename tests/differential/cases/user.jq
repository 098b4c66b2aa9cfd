.process.user = {uid: 1000, gid: 1001, additionalGids: [50, 60], umask: 63} | .process.cwd = "/tmp"
