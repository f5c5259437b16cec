"""Mergeable summaries of a distribution."""
