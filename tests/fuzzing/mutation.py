"""Bytes that resemble others: a few changes of the kinds that parsers stumble over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

_TOKENS = (
    *(b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"\0", b"\\", b"{", b"}", b"[", b"]", b":", b"null", b"true"),
    *(b"NaN", b"-Infinity", b"1e400", b"-0", b"9" * 400, b"0." + b"0" * 400 + b"1", b"\xff", b"\xef\xbb\xbf"),
    *(b"\\ud800", b"\\u0000", "\u2028".encode(), "\U0001f600".encode(), b"\x1f\x8b", b"PAR1", b"\x15\xfe\xff\x03"),
)
_MOST_CHANGES = 4

Change = Callable[[bytearray, int, Random], None]
"""Changes bytes at an offset."""


def _flip(content: bytearray, at: int, random: Random) -> None:
    content[at] ^= 1 << random.randrange(8)


def _replace(content: bytearray, at: int, random: Random) -> None:
    token = random.choice(_TOKENS)
    content[at : at + len(token)] = token


def _insert(content: bytearray, at: int, random: Random) -> None:
    content[at:at] = random.choice(_TOKENS) * random.choice((1, 1, 1, 2, 100))


def _remove(content: bytearray, at: int, random: Random) -> None:
    del content[at : at + random.choice((1, 1, 2, 10, len(content)))]


def _repeat(content: bytearray, at: int, random: Random) -> None:
    content[at:at] = content[at : at + random.choice((1, 8, 64))] * random.choice((1, 2, 50))


_CHANGES: Sequence[Change] = (_flip, _replace, _insert, _remove, _repeat)


def mutated(content: bytes, random: Random, longest: int) -> bytes:
    """Return content with one to four changes, cut to a length."""
    changed = bytearray(content)
    for _ in range(random.randint(1, _MOST_CHANGES)):
        changed = changed or bytearray(b"\n")
        random.choice(_CHANGES)(changed, random.randrange(len(changed)), random)
    return bytes(changed[:longest])
