"""One script per tool: it is given a baseline and a current table as Parquet, and prints how many columns it flags."""
