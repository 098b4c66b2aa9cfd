.linux.devices = [
	{path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 432, uid: 5, gid: 6},
	{path: "/dev/fifo", type: "p", fileMode: 384},
	{path: "/dev/sub/disk", type: "b", major: 7, minor: 200}]
