.mounts += [{destination: "/bin", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]
