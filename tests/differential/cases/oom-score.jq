.process.oomScoreAdj = 300
