.process.user = {uid: 1000, gid: 1000} | .process.capabilities = (["CAP_NET_RAW", "CAP_CHOWN"] as $c | {bounding: $c, effective: $c, permitted: $c, inheritable: $c, ambient: $c})
