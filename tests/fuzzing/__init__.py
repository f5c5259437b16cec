"""Hostile bytes for everything that parses: targets, a corpus, and a campaign that coverage guides."""
