"""Analyses on Spark: an application for `spark-submit`."""
