"""The structure of a text by words of bits, against a look at each byte."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch_analyzer.reading.csv_structure import Structure, after, count, counts_before, positions

# Long runs, so that what is inside of quotes reaches over several words of 64 bytes.
_texts = st.lists(
    st.sampled_from(['"', ",", "\n", "\r", "a"]) | st.just("a" * 63) | st.just('"' * 5 + "," * 70), max_size=30
).map(lambda pieces: "".join(pieces).encode())


def by_bytes(text: bytes) -> dict[str, list[int]]:
    """Return the offsets of each kind of byte, and of what is inside of quotes."""
    found: dict[str, list[int]] = {kind: [] for kind in ("inside", "separators", "line_feeds", "returns", "quotes")}
    kinds = {ord(","): "separators", ord("\n"): "line_feeds", ord("\r"): "returns"}
    inside = False
    for offset, byte in enumerate(text):
        if byte == ord('"'):
            inside = not inside
            found["quotes"].append(offset)
        elif byte in kinds and not inside:
            found[kinds[byte]].append(offset)
        if inside:
            found["inside"].append(offset)
    return found


@given(_texts)
@example(b"a" * 64 + b'"' + b"a" * 200 + b'",\n')
def test_every_byte_is_found_where_looking_at_each_one_finds_it(text: bytes) -> None:
    structure, expected = Structure.of(text, ord(",")), by_bytes(text)
    for kind in ("separators", "line_feeds", "returns", "quotes"):
        assert positions(getattr(structure, kind)).tolist() == expected[kind], kind
    assert [offset for offset in positions(structure.inside).tolist() if offset < len(text)] == expected["inside"]


@given(_texts, st.data())
def test_a_part_has_the_structure_of_the_part_alone(text: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(text)))
    part, alone = Structure.of(text, ord(",")).until(end), Structure.of(text[:end], ord(","))
    for kind in ("separators", "line_feeds", "returns", "quotes"):
        assert positions(getattr(part, kind)).tolist() == positions(getattr(alone, kind)).tolist(), kind
    assert part.is_balanced == alone.is_balanced


@given(_texts)
def test_lines_end_behind_the_last_line_end_outside_of_quotes(text: bytes) -> None:
    expected = by_bytes(text)
    ends = expected["line_feeds"] + expected["returns"]
    # A return at the very end may be half of a line end.
    complete = [end for end in ends if not (end == len(text) - 1 and text.endswith(b"\r"))]
    assert Structure.of(text, ord(",")).end_of_lines == max(complete, default=-1) + 1


@given(_texts, st.lists(st.integers(0, 400), min_size=1))
def test_counts_before_offsets_are_those_of_the_part_before(text: bytes, offsets: list[int]) -> None:
    structure, known = Structure.of(text, ord(",")), by_bytes(text)["separators"]
    within = np.array([min(offset, len(text)) for offset in offsets])
    assert counts_before(structure.separators, within).tolist() == [sum(k < end for k in known) for end in within]
    assert count(structure.separators) == len(known)


def test_what_follows_a_byte_may_be_in_the_next_word() -> None:
    structure = Structure.of(b"a" * 63 + b"\n" + b"b", ord(","))
    assert positions(after(structure.line_feeds, start=False)).tolist() == [64]
    assert positions(after(structure.line_feeds)).tolist() == [0, 64]
