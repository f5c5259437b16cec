"""The explainability monitor."""
