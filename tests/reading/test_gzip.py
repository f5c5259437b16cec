"""Compressed objects: what is whole is read, what is not is counted, and none costs more than the limit."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import files
from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_core.domain.errors import InvalidInput


@pytest.fixture
def stored(tmp_path: Path):
    def stored(content: bytes, name: str = "a.csv.gz") -> SourceFile:
        (tmp_path / name).write_bytes(content)
        (file,) = source_files(tmp_path / name)
        return file

    return stored


def text_of(file: SourceFile, start: int = 0) -> tuple[bytes, ReadLog]:
    log = ReadLog()
    return b"".join(file.blocks(log, start)), log


def test_an_object_is_known_to_be_compressed_by_its_first_bytes_and_not_by_its_name(stored) -> None:
    assert text_of(stored(gzip.compress(b"a,b\n"), "a.csv"))[0] == b"a,b\n"
    assert text_of(stored(b"a,b\n", "b.csv.gz"))[0] == b"a,b\n"


def test_members_that_follow_each_other_are_one_text(stored) -> None:
    text, log = text_of(stored(gzip.compress(b"a,b\n1,") + gzip.compress(b"") + gzip.compress(b"2\n")))
    assert (text, log.malformed) == (b"a,b\n1,2\n", 0)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda good: good + b"garbage", "followed by something else"),
        (lambda good: good + b"\x1f\x8b", "is truncated"),
        (lambda good: good[:-4], "is truncated"),
        (lambda good: good[:-8] + b"\xff" * 8, "damaged"),
    ],
)
def test_damage_behind_the_text_is_counted_once_and_the_text_is_kept(stored, damage, says: str) -> None:
    text, log = text_of(stored(damage(gzip.compress(b"1,2\n" * 5000))))
    assert text == b"1,2\n" * 5000
    assert log.malformed == 1
    assert log.malformed_examples[0].startswith("a.csv.gz: the compressed data")
    assert says in log.malformed_examples[0]


def test_what_holds_more_than_the_limit_is_refused_with_the_limit(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DECOMPRESSED_LIMIT", 3_000_000)
    assert len(text_of(stored(gzip.compress(b"x\n" * 1_500_000)))[0]) == 3_000_000
    with pytest.raises(InvalidInput, match="3,000,000") as refused:
        text_of(stored(gzip.compress(b"x" * 3_000_001)))
    assert refused.value.code == "DecompressedTooLarge"


def test_a_bomb_is_told_by_how_many_times_more_it_holds_than_it_takes(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BOMB_BYTES", 100_000)
    bomb = gzip.compress(b"x" * 10_000_000)
    with pytest.raises(InvalidInput, match=f"{files.BOMB_RATIO * len(bomb):,}") as refused:
        text_of(stored(bomb))
    assert refused.value.code == "DecompressedTooLarge"
    assert len(text_of(stored(gzip.compress(b"x" * 100_000)))[0]) == 100_000


def test_a_byte_order_mark_is_passed_over_and_utf_16_refused_in_compressed_text_too(stored) -> None:
    assert text_of(stored(gzip.compress("a,b\n".encode("utf-8-sig"))), 2)[0] == b"b\n"
    with pytest.raises(InvalidInput) as refused:
        text_of(stored(gzip.compress("a,b\n".encode("utf-16"))))
    assert refused.value.code == "NotUtf8"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\0", b"") + b"\n"), max_size=30),
    st.integers(0, 60),
    st.integers(1, 30),
)
def test_blocks_of_compressed_and_of_plain_text_hold_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], start: int, block: int
) -> None:
    folder, text = tmp_path_factory.mktemp("both"), b"x" + b"".join(lines)
    (folder / "plain").write_bytes(text)
    (folder / "compressed").write_bytes(gzip.compress(text))
    compressed, plain = source_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", block)
        patch.setattr(files, "_PIECE_BYTES", 7)
        assert text_of(compressed, start)[0] == text_of(plain, start)[0] == text[start:]
