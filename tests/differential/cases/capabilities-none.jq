.process.capabilities = {}
