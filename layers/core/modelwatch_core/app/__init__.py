"""The use cases: one file each, with their collaborators as fields."""
