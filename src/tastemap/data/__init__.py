"""The log: reading, preparing, splitting, batching, known data sets and planted worlds."""
