"""What an analysis measured, as short as trends and overviews need it: one number for each feature or metric."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from modelwatch_core.domain.documents import Owned, UtcDatetime

MOST_SCORES = 1000
"""The most scores of one analysis; the worst come first."""
MOST_IN_AN_OUTCOME = 10
_LONGEST_NAME = 200

_Finite = Annotated[float, Field(allow_inf_nan=False)]


class Score(Owned):
    """One measure of an analysis.

    Attributes
    ----------
    name : str
        What was measured, as the violations name it: a feature, or a metric and its group or label.
    value : float, optional
        What was found; None where it is undefined or not finite.
    baseline : float, optional
        The baseline's own value.
    threshold : float, optional
        What the value is compared with.
    grade : float, optional
        How far the value is on its way from where nothing has changed, which is 0, to the threshold, which is 1.
    violated : bool
        Whether it is a violation. Rules that allow for chance find none in some that have a grade above 1.
    """

    name: str
    value: _Finite | None = None
    baseline: _Finite | None = None
    threshold: _Finite | None = None
    grade: _Finite | None = None
    violated: bool = False

    @property
    def brief(self) -> Score:
        """The same, with no more of the name than records and events carry: names come from data."""
        cut = f"{self.name[: _LONGEST_NAME - 1]}…" if len(self.name) > _LONGEST_NAME else self.name
        return self.model_copy(update={"name": cut})

    @property
    def weight(self) -> tuple[bool, float]:
        """By what scores are ordered: violations, then those that are nearest to one."""
        return self.violated, -1.0 if self.grade is None else self.grade


class ScoredExecution(Owned):
    """What an execution measured.

    Attributes
    ----------
    at : datetime
        The end of its window.
    """

    at: UtcDatetime
    scores: tuple[Score, ...]


class EarlierScores(Owned):
    """What the executions of the windows before measured, the earliest first, for a report to show beside its own."""

    executions: tuple[ScoredExecution, ...] = ()
