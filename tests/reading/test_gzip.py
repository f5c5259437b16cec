"""Compressed objects: valid content is read, damage is counted, and the size is limited."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import files
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.read_log import ReadLog
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


def test_a_compressed_object_is_recognised_by_its_first_bytes_not_by_its_name(stored) -> None:
    assert text_of(stored(gzip.compress(b"a,b\n"), "a.csv"))[0] == b"a,b\n"
    assert text_of(stored(b"a,b\n", "b.csv.gz"))[0] == b"a,b\n"


def test_consecutive_gzip_members_are_one_text(stored) -> None:
    text, log = text_of(stored(gzip.compress(b"a,b\n1,") + gzip.compress(b"") + gzip.compress(b"2\n")))
    assert (text, log.malformed) == (b"a,b\n1,2\n", 0)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda valid: valid + b"garbage", "followed by something else"),
        (lambda valid: valid + b"\x1f\x8b", "is truncated"),
        (lambda valid: valid[:-4], "is truncated"),
        (lambda valid: valid[:-8] + b"\xff" * 8, "damaged"),
    ],
)
def test_damage_after_the_text_is_counted_once_and_the_text_is_kept(stored, damage, says: str) -> None:
    text, log = text_of(stored(damage(gzip.compress(b"1,2\n" * 5000))))
    assert text == b"1,2\n" * 5000
    assert log.malformed == 1
    assert log.malformed_examples[0].startswith("a.csv.gz: the compressed data")
    assert says in log.malformed_examples[0]


def test_an_object_that_decompresses_beyond_the_limit_is_refused(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DECOMPRESSED_LIMIT", 3_000_000)
    assert len(text_of(stored(gzip.compress(b"x\n" * 1_500_000)))[0]) == 3_000_000
    with pytest.raises(InvalidInput, match="3,000,000") as refused:
        text_of(stored(gzip.compress(b"x" * 3_000_001)))
    assert refused.value.code == "DecompressedTooLarge"


def test_a_gzip_bomb_is_recognised_by_its_compression_ratio(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BOMB_BYTES", 100_000)
    bomb = gzip.compress(b"x" * 10_000_000)
    with pytest.raises(InvalidInput, match=f"{files.BOMB_RATIO * len(bomb):,}") as refused:
        text_of(stored(bomb))
    assert refused.value.code == "DecompressedTooLarge"
    assert len(text_of(stored(gzip.compress(b"x" * 100_000)))[0]) == 100_000


def test_compressed_text_may_have_a_byte_order_mark_but_not_be_utf_16(stored) -> None:
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
def test_compressed_and_uncompressed_text_have_the_same_content(
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
