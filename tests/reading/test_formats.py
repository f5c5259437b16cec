"""The formats that requests may name are those that there are readers for."""

from __future__ import annotations

from modelwatch_analyzer.reading import FORMATS
from modelwatch_analyzer.reading.dataset import DATA_FRAME
from modelwatch_core.domain.dataset_formats import OPTIONS


def test_every_format_that_can_be_requested_has_a_reader_and_the_other_way_round():
    assert OPTIONS.keys() == FORMATS.keys() - {DATA_FRAME}  # a frame is in memory, where nobody requests it
