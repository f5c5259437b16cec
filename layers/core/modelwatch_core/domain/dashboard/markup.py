"""HTML of elements and texts, of which only the former are markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # which HTML, or UTF-8, cannot hold
_VOID = frozenset({"meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = Html | str | None


def text(value: str) -> Html:
    """Return a text as HTML that shows it."""
    return value if isinstance(value, Html) else Html(escape(_CONTROL.sub("\ufffd", value)))


def element(tag: str, /, *children: Child | Iterable[Child], **attributes: object) -> Html:
    """Return an element.

    Parameters
    ----------
    children
        Texts, which are escaped, elements, and iterables of these; None is left out.
    attributes
        ``class_`` is ``class``, other underscores are hyphens; one that is None is left out.
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{named}>")
    return Html(f"<{tag}{named}>{joined(children)}</{tag}>")


def joined(children: Iterable[Child | Iterable[Child]]) -> Html:
    """Return several as one."""
    parts = ("" if child is None else text(child) if isinstance(child, str) else joined(child) for child in children)
    return Html("".join(parts))
