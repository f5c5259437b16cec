"""The user's own scripts: record preprocessors and post-analytics processors, run apart from the analysis."""
