.process.env = ["PATH=/bin"]
