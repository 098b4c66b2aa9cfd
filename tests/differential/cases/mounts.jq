.mounts += [
	{destination: "/data", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "nodev", "size=64k", "mode=1770", "uid=5", "gid=6"]},
	{destination: "/data/a", type: "bind", source: "/tmp/bundles/shared", options: ["rbind", "ro"]},
	{destination: "/data/b", type: "bind", source: "/tmp/bundles/shared", options: ["bind", "nosuid", "nodev", "relatime", "rprivate"]},
	{destination: "/data/c", type: "none", source: "/tmp/bundles/shared", options: ["bind", "noatime", "rslave"]},
	{destination: "/data/d", type: "none", source: "/etc/hostname", options: ["rbind", "ro", "nosuid"]},
	{destination: "relative", type: "tmpfs", source: "none", options: ["ro", "strictatime"]},
	{destination: "/data/e", type: "tmpfs", source: "none"}]
