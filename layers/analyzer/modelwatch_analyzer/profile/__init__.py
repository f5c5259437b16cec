"""The profile of a dataset: accumulators for each column, which can be merged."""
