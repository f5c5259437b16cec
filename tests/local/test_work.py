"""Settling is exact, bounded in time, and names what is still running."""

from __future__ import annotations

import threading

import pytest

from modelwatch.local.errors import LocalStackError
from modelwatch.local.work import WorkInProgress


def test_settling_without_work_returns_at_once() -> None:
    WorkInProgress().settle(timeout=0)


def test_settling_waits_for_work_that_starts_more_work() -> None:
    work, done = WorkInProgress(), []

    def chain(left: int) -> None:
        if left:
            work.start("a link", chain, left - 1)
        done.append(left)

    work.start("a link", chain, 20)
    work.settle(timeout=10)
    assert sorted(done) == list(range(21))


def test_work_that_does_not_end_is_named_with_its_count() -> None:
    work, release = WorkInProgress(), threading.Event()
    work.start("invocation of a", release.wait)
    work.start("invocation of a", release.wait)
    with work.under_way("mail to b"), pytest.raises(LocalStackError) as caught:
        work.settle(timeout=0.01)
    release.set()
    work.settle(timeout=10)
    assert caught.value.code == "NotSettled"
    assert "invocation of a (x2), mail to b" in caught.value.message


def test_failed_work_is_logged_and_raised_by_the_next_settle_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = WorkInProgress()

    def fail() -> None:
        raise KeyError("gone")

    work.start("delivery of x", fail)
    with pytest.raises(LocalStackError, match=r"delivery of x \(KeyError: 'gone'\)") as caught:
        work.settle(timeout=10)
    assert caught.value.code == "WorkFailed"
    assert "delivery of x (KeyError('gone'))" in caplog.text
    work.settle(timeout=10)


def test_closing_ends_pauses_and_accepts_no_more_work() -> None:
    work, executed = WorkInProgress(), []
    work.start("a pause", work.pause, 1000)
    work.close(timeout=10)
    work.start("too late", executed.append, 1)
    work.settle(timeout=10)
    assert not executed
