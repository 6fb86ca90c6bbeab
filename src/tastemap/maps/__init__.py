"""Looking at what a model learned: the health of its vectors, and their principal components."""
