"""The bias monitor."""
