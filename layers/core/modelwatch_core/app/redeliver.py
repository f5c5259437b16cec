"""Deliver again what was given up: nothing that a service's outage held up is lost."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.domain.errors import ModelwatchError
from modelwatch_core.ports import Clock, DeadLetters

MOST_LETTERS = 1000
"""The most letters that a sweep delivers; the next one goes on."""


@dataclass(frozen=True, slots=True)
class Redelivery:
    """What became of the letters.

    Attributes
    ----------
    delivered : int
    kept : int
        Letters that are not due, are too old, or are for no function of this app.
    failures : tuple of str
        What could not be delivered, each with its reason.
    """

    delivered: int = 0
    kept: int = 0
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redeliver:
    """Deliver dead letters again. Every function of the app may be given the same thing twice."""

    letters: DeadLetters
    clock: Clock

    def __call__(self, *, everything: bool = False) -> Redelivery:
        """Deliver what is due.

        Parameters
        ----------
        everything : bool
            Deliver what is not due, or too old to be delivered without being asked for, as well.
        """
        delivered, kept, failures = 0, 0, []
        try:
            for letter in self.letters.waiting(most=MOST_LETTERS):
                if letter is None or not (everything or letter.is_due(self.clock.now())):
                    kept += 1
                    continue
                try:
                    self.letters.deliver(letter)
                    delivered += 1
                except ModelwatchError as error:
                    failures.append(str(error))
        except ModelwatchError as error:  # the queue does not respond; the next sweep goes on
            failures.append(str(error))
        return Redelivery(delivered, kept, tuple(failures))
