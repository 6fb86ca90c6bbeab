"""Compiled loops: arrays in, arrays out. numba lives here and nowhere else."""
