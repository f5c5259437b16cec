"""Schedules that fire by themselves, for a stack on the machine's own clock."""

from __future__ import annotations

import threading

from modelwatch.local.clock import Clock
from modelwatch.local.deliveries import Deliveries
from modelwatch.local.scheduler import Scheduler

_INTERVAL_SECONDS = 1.0


class Ticker:
    """A thread that fires, once a second, what has become due."""

    def __init__(self, scheduler: Scheduler, *, clock: Clock, deliveries: Deliveries) -> None:
        self._scheduler, self._clock, self._deliveries = scheduler, clock, deliveries
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        reached = self._clock.now()
        self._scheduler.due(after=reached, until=reached)  # the periods of rate() begin here
        while not self._stopped.wait(_INTERVAL_SECONDS):
            now = self._clock.now()
            try:
                while firings := self._scheduler.due(after=reached, until=now):
                    reached = firings[0].due
                    for firing in firings:
                        self._scheduler.fire(firing)
            except Exception as error:  # one bad schedule must not stop the clock
                self._deliveries.record_undelivered(f"what was due until {now.isoformat()}", "its targets", str(error))
            reached = now
