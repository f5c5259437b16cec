"""DuckDB's SUMMARIZE of both files."""

import sys

import duckdb

connection = duckdb.connect()
for path in sys.argv[1:3]:
    connection.execute("SUMMARIZE SELECT * FROM read_parquet(?)", [path]).fetchall()
print("-")
