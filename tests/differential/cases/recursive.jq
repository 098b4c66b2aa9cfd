.mounts += [{destination: "/data", type: "bind", source: "/dev", options: ["rbind", "rro", "rnosuid", "rnoexec"]}]
