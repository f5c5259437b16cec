"""Repeated events."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.reading import event_ids
from modelwatch_analyzer.reading.event_ids import EventIds


def ids(*texts: str | None) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


@given(batches=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=6))
def test_every_repeated_event_is_counted_in_any_batches(batches: list[list[str]]) -> None:
    events = EventIds()
    repeated = sum(events.count_repeated(ids(*batch)) for batch in batches)
    names = [name for batch in batches for name in batch]
    assert repeated == len(names) - len(set(names))


def test_events_without_an_id_are_not_repeated() -> None:
    assert EventIds().count_repeated(ids(None, None, "", "")) == 0


def test_the_oldest_ids_are_forgotten_and_the_latest_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_ids, "REMEMBERED_EVENTS", 4)
    events = EventIds()
    for start in range(0, 100, 2):
        assert events.count_repeated(ids(str(start), str(start + 1))) == 0
        assert len(events._latest) + len(events._older) <= 2 * 4 + 1
    assert events.count_repeated(ids("96", "97", "98", "99")) == 4
    assert events.count_repeated(ids("1", "2")) == 0
