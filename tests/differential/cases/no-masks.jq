del(.linux.maskedPaths, .linux.readonlyPaths)
