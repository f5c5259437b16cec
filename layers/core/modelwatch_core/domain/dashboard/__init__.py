"""The dashboard: all monitors at a glance, and the history of one, as HTML without scripts or anything to fetch."""
