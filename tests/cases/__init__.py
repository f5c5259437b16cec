"""Inputs after public reports of people who run monitors, each with what is right; ``inputs`` holds their files.

Schedules have theirs in ``tests/core``: ``test_cron.py`` (days that some months lack, steps of zero) and
``test_identity.py`` (an update to longer windows).
"""
