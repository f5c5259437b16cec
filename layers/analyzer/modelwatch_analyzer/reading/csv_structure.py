"""Where the separators, line ends and quotes of comma-separated text are: one bit for each byte, in words of 64.

Only the processor's vector instructions look at each byte. What depends on the bytes before it, such as whether it is
inside quotes, is computed for 64 bytes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]
"""Bit ``i % 64`` of word ``i // 64`` is about byte ``i``; bits behind the last byte are 0."""

_PIECE = 1 << 18
"""Bytes at a time, so that they and what is computed from them stay in a core's cache."""

_WORD = 64
_ONE = np.uint64(1)
QUOTE, LF, CR = (ord(character) for character in '"\n\r')


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """The structure of a text, in which quotes may protect separators and line ends.

    Attributes
    ----------
    size : int
        The number of bytes.
    separators, line_feeds, returns : Bits
        Where these bytes are, outside of quotes.
    inside_feeds, inside_returns : Bits
        Where these bytes are inside of quotes.
    quotes, inside : Bits
        Where quotes are, and what they enclose: the first of a pair is inside, the second is not.
    """

    size: int
    separators: Bits
    line_feeds: Bits
    returns: Bits
    inside_feeds: Bits
    inside_returns: Bits
    quotes: Bits
    inside: Bits

    @classmethod
    def of(cls, text: bytes, separator: int) -> Structure:
        """Find the structure of a text with a separator of one byte."""
        found = {LF, separator} | {code for code in (QUOTE, CR) if bytes([code]) in text}
        bits = dict(zip(found, bits_of(text, tuple(found)), strict=True))
        none = np.zeros_like(bits[LF])
        quotes, feeds, returns = bits.get(QUOTE, none), bits[LF], bits.get(CR, none)
        if QUOTE not in bits:
            return cls(len(text), bits[separator], feeds, returns, none, none, none, none)
        inside = _inside(quotes)
        return cls(
            len(text),
            bits[separator] & ~inside,
            feeds & ~inside,
            returns & ~inside,
            feeds & inside,
            returns & inside,
            quotes,
            inside,
        )

    def until(self, end: int) -> Structure:
        """Return the structure of the first bytes of the text."""
        if end == self.size:
            return self
        words = _words(end)
        kept = np.full(words, ~np.uint64(0))
        if end % _WORD:
            kept[-1] = (_ONE << np.uint64(end % _WORD)) - _ONE
        return Structure(
            end,
            *(
                bits[:words] & kept
                for bits in (
                    self.separators,
                    self.line_feeds,
                    self.returns,
                    self.inside_feeds,
                    self.inside_returns,
                    self.quotes,
                    self.inside,
                )
            ),
        )

    @property
    def end_of_lines(self) -> int:
        r"""The offset after the last line end outside of quotes; a ``\r`` at the very end may be half of one."""
        ends = self.line_feeds | self.returns
        if self.size and int(self.returns[-1]) >> (self.size - 1) % _WORD:
            ends[-1] ^= _ONE << np.uint64((self.size - 1) % _WORD)
        words = np.flatnonzero(ends)
        return int(words[-1]) * _WORD + int(ends[words[-1]]).bit_length() if words.size else 0

    @property
    def is_balanced(self) -> bool:
        """Whether every quote opens a field, doubles a quote or closes a field where it may."""
        if not self.quotes.any():
            return True
        if int(np.bitwise_count(self.quotes).sum()) % 2:
            return False
        boundaries = self.separators | self.line_feeds | self.returns | self.quotes
        opening, closing = self.quotes & self.inside, self.quotes & ~self.inside
        return not (opening & ~after(boundaries)).any() and not (closing & ~self._before(boundaries)).any()

    @property
    def has_doubled_quotes(self) -> bool:
        """Whether two quotes follow each other, as in an empty field and as a quote within a field."""
        return bool((self.quotes & after(self.quotes, start=False)).any())

    def lines(self) -> NDArray[np.intp]:
        """Return the offset of each line feed outside of quotes."""
        return positions(self.line_feeds)

    def _before(self, bits: Bits) -> Bits:
        """Return which bytes are just before a byte of a kind, or are the last of the text."""
        moved = bits >> _ONE
        moved[:-1] |= bits[1:] << np.uint64(_WORD - 1)
        if self.size:
            moved[(self.size - 1) // _WORD] |= _ONE << np.uint64((self.size - 1) % _WORD)
        return moved


def after(bits: Bits, *, start: bool = True) -> Bits:
    """Return which bytes are just after a byte of a kind, and whether the first one is."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> np.uint64(_WORD - 1)
    if start and moved.size:
        moved[0] |= _ONE
    return moved


def count(bits: Bits) -> int:
    """Return how many bytes are of a kind."""
    return int(np.bitwise_count(bits).sum())


def positions(bits: Bits) -> NDArray[np.intp]:
    """Return the offset of each byte of a kind."""
    offsets = np.flatnonzero(bits) * _WORD
    words, found = bits[offsets // _WORD], []
    while words.size:
        above = words & (words - _ONE)
        found.append(offsets + np.bitwise_count((words ^ above) - _ONE))
        more = np.flatnonzero(above)
        words, offsets = above[more], offsets[more]
    return np.sort(np.concatenate(found)) if found else offsets


def counts_before(bits: Bits, offsets: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return how many bytes of a kind are before each offset."""
    whole = np.concatenate([[0], np.cumsum(np.bitwise_count(bits), dtype=np.int64)])
    words, below = offsets // _WORD, (offsets % _WORD).astype(np.uint64)
    padded = np.append(bits, np.uint64(0))
    return whole[words] + np.bitwise_count(padded[words] & ((_ONE << below) - _ONE))


def bits_of(text: bytes, codes: Sequence[int]) -> list[Bits]:
    """Return where each of several bytes is in a text."""
    array = np.frombuffer(text, np.uint8)
    packed = np.zeros((len(codes), _words(array.size) * (_WORD // 8)), np.uint8)
    equal = np.empty(_PIECE, np.bool_)
    for start in range(0, array.size, _PIECE):
        piece = array[start : start + _PIECE]
        for row, code in zip(packed, codes, strict=True):
            found = np.packbits(np.equal(piece, code, out=equal[: piece.size]), bitorder="little")
            row[start // 8 : start // 8 + found.size] = found
    return list(packed.view("<u8").astype(np.uint64, copy=False))


def _inside(quotes: Bits) -> Bits:
    """Return which bytes are behind an odd number of quotes, their own included."""
    inside = quotes.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        inside ^= inside << np.uint64(shift)
    odd = np.bitwise_count(quotes) & np.uint8(1)
    before = np.bitwise_xor.accumulate(odd)[:-1]
    inside[1:] ^= np.uint64(0) - before.astype(np.uint64)
    return inside


def _words(size: int) -> int:
    return -(-size // _WORD)
