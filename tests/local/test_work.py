"""Settling is exact, bounded in time, and names what is still running."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from modelwatch.local.errors import LocalStackError
from modelwatch.local.work import WorkInProgress
from tests.local.conftest import Deployer


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


def test_what_fails_because_the_stack_is_closed_is_no_failure_of_it(
    deploy: Deployer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = f"""
    import pathlib, time
    def handler(event, context):
        pathlib.Path({str(tmp_path / "runs")!r}).touch()
        time.sleep(60)
    """
    one_at_once = "Slow: {Type: AWS::Serverless::Function, Properties: {ReservedConcurrentExecutions: 1}}"
    stack = deploy(one_at_once, code=code, options={"start": None})
    (name,) = stack.functions
    for _ in range(2):  # the second one waits
        stack.client("lambda").invoke(FunctionName=name, InvocationType="Event")
    while not (tmp_path / "runs").exists():
        threading.Event().wait(0.01)
    stack.close()
    assert "itself failed" not in caplog.text


def test_closing_ends_pauses_and_accepts_no_more_work() -> None:
    work, executed = WorkInProgress(), []
    work.start("a pause", work.pause, 1000)
    work.close(timeout=10)
    work.start("too late", executed.append, 1)
    work.settle(timeout=10)
    assert not executed
