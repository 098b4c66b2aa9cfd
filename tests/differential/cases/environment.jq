.process.env = ["PATH=/bin", "A=1", "B=", "HOME=/x", "LANG=C.UTF-8"] | .process.cwd = "/usr/new/directory"
