"""The way of a request to its service, and to the method that handles it.

moto lists its own folder on the disk, and the members of the service's class, for each request.
"""

from __future__ import annotations

from functools import cache

import moto.core.responses
from moto import backends

from modelwatch.local.moto_patches.hooks import Hooks, Replacement


def replacements(_: Hooks) -> list[Replacement]:
    """Return the patches."""
    modules = frozenset(backends.list_of_moto_modules())
    responses = moto.core.responses
    return [
        Replacement(backends, "list_of_moto_modules", lambda: modules),
        *(
            Replacement(responses, name, cache(getattr(responses, name)))
            for name in ("method_names_from_class", "camelcase_to_underscores")
        ),
    ]
