"""The demo's folder: its own is replaced as a whole, any other is never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwatch.demo.results_folder import ResultsFolder
from modelwatch_core.domain.errors import InvalidInput


def test_the_folder_of_an_earlier_demo_is_replaced_as_a_whole(tmp_path: Path) -> None:
    ResultsFolder(tmp_path / "demo").write("hour-1/report.html", b"old")
    again = ResultsFolder(tmp_path / "demo")
    again.write("mails/1.eml", b"new")
    assert not (tmp_path / "demo/hour-1").exists()
    assert (tmp_path / "demo/mails/1.eml").read_bytes() == b"new"


@pytest.mark.parametrize("what", ["folder", "file", "link to ours"])
def test_what_no_demo_made_is_left_alone(tmp_path: Path, what: str) -> None:
    place = tmp_path / "demo"
    if what == "file":
        place.write_text("mine")
    elif what == "folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    else:
        ResultsFolder(tmp_path / "real").write("mine.txt", b"mine")
        place.symlink_to(tmp_path / "real")
    with pytest.raises(InvalidInput) as refusal:
        ResultsFolder(place)
    assert refusal.value.code == "FolderNotOurs"
    assert (place if what == "file" else place / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    folder = ResultsFolder(tmp_path / "demo")
    with pytest.raises(ValueError, match="outside"):
        folder.write(name, b"x")
