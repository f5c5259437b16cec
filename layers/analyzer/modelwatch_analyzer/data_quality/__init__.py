"""The data quality monitor."""
