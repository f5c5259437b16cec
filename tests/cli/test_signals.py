from __future__ import annotations

import signal
import threading

import pytest

from modelwatch.cli.signals import Stopped, stopped_by_signals


class _Interrupted:
    """Is destroyed when a signal comes."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        for _ in range(1_000):  # handlers run between instructions
            pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_block_and_further_ones_do_not_end_its_clearing_away(number: signal.Signals):
    started_with = signal.signal(number, signal.SIG_DFL)  # nohup lets its children ignore SIGHUP
    cleared = []

    def block() -> None:
        with stopped_by_signals():
            try:
                signal.raise_signal(number)
            finally:
                for each in signal.SIGINT, signal.SIGTERM:
                    signal.raise_signal(each)
                cleared.append(True)

    try:
        with pytest.raises(Stopped):
            block()
        assert cleared
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, started_with)


def test_a_signal_that_comes_during_a_destructor_ends_the_block_nevertheless():
    def block() -> None:
        with stopped_by_signals():
            _Interrupted()
            threading.Event().wait(60)

    with pytest.raises(Stopped):
        block()


def test_what_else_a_destructor_raises_is_reported_as_ever():
    reported = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.unraisablehook", reported.append)
        with stopped_by_signals():

            class Broken:
                def __del__(self) -> None:
                    raise ValueError("broken")

            Broken()
    assert [str(each.exc_value) for each in reported] == ["broken"]
