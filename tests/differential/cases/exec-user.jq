# exec: -u 1000
.process.user = {uid: 5, gid: 6, additionalGids: [7]}
