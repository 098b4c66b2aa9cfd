.mounts += [{destination: "/data", type: "bind", source: "/tmp/bundles/shared", options: ["bind", "idmap"],
	uidMappings: [{containerID: 0, hostID: 1000, size: 10}], gidMappings: [{containerID: 0, hostID: 1000, size: 10}]}]
