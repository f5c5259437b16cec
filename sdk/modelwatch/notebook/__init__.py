"""Baselines and checks of data in memory or in files, in the process of the caller: for notebooks, scripts and CI."""
