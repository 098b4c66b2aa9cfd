del(.process.rlimits)
