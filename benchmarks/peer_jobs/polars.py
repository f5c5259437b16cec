"""What polars needs to read and describe both files."""

import sys

import polars

for path in sys.argv[1:3]:
    polars.read_parquet(path).describe()
print("-")
