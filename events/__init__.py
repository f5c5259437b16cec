"""Samples of the events that come in and go out, and the schemas of those that go out."""
