"""The model quality monitor."""
