"""Looking at what a model learned: the health of its vectors."""
