"""Monitors that exist elsewhere, made here."""
