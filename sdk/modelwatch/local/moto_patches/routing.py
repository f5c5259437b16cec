"""The way of a request to its service. moto lists its own folder on the disk for each request."""

from __future__ import annotations

from moto import backends

from modelwatch.local.moto_patches.hooks import Hooks, Replacement


def replacements(_: Hooks) -> list[Replacement]:
    """Return the patches."""
    modules = frozenset(backends.list_of_moto_modules())
    return [Replacement(backends, "list_of_moto_modules", lambda: modules)]
