"""What a dataset holds, column by column, gathered by accumulators that merge."""
