"""Fires what becomes due: by itself on the machine's own clock, and on the way when a clock is moved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from modelwatch.local.clock import Clock
from modelwatch.local.data_capture import DataCapture
from modelwatch.local.deliveries import Deliveries
from modelwatch.local.errors import LocalStackError
from modelwatch.local.scheduler import Scheduler

_INTERVAL_SECONDS = 1.0


class Ticker:
    """Fires each due time once, in order, whoever moves the clock.

    Parameters
    ----------
    captures : DataCapture
        Writes what it holds as time goes by.
    settle : callable
        Waits until nothing is in progress.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        clock: Clock,
        deliveries: Deliveries,
        captures: DataCapture,
        settle: Callable[[], None],
    ) -> None:
        self._scheduler, self._clock, self._deliveries = scheduler, clock, deliveries
        self._captures, self._settle = captures, settle
        self._reached = clock.now()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Start to fire by itself, once a second, what has become due."""
        self._scheduler.due(after=self._reached, until=self._reached)  # the periods of rate() begin here
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
        self._stopped.set()
        self._thread.join()

    def advance_to(self, moment: datetime | timedelta, abandoned: threading.Event | None = None) -> None:
        """Move the clock, and let everything that one due time sets off settle before it moves on.

        Parameters
        ----------
        moment : datetime or timedelta
            Where to; or how far from where the clock is when no other call moves it any more.
        abandoned : threading.Event, optional
            Once it is set, the clock stays at the due time that it has reached.

        Raises
        ------
        LocalStackError
            ``ClockGoesBack`` if the moment has passed.
        """
        with self._lock:
            now = self._clock.now()
            moment = now + moment if isinstance(moment, timedelta) else moment
            if moment < now:
                raise LocalStackError(
                    "ClockGoesBack",
                    f"The clock cannot go back from {now.isoformat()} to {moment.isoformat()}; pass a later time.",
                )
            self._settle()
            while not (abandoned and abandoned.is_set()):
                firings = self._scheduler.due(after=self._reached, until=moment)
                self._reached = firings[0].due if firings else moment
                self._clock.move_to(self._reached)
                if not firings:
                    return
                for firing in firings:
                    self._scheduler.fire(firing)
                self._settle()

    def _run(self) -> None:
        while not self._stopped.wait(_INTERVAL_SECONDS):
            if self._lock.acquire(blocking=False):  # else the clock is being moved, which may take longer than closing
                try:
                    self._catch_up(self._clock.now())
                finally:
                    self._lock.release()

    def _catch_up(self, now: datetime) -> None:
        self._captures.write()
        try:
            while firings := self._scheduler.due(after=self._reached, until=now):
                self._reached = firings[0].due
                for firing in firings:
                    self._scheduler.fire(firing)
        except Exception as error:  # one bad schedule must not stop the clock
            self._deliveries.record_undelivered(f"what was due until {now.isoformat()}", "its targets", str(error))
        self._reached = max(self._reached, now)
