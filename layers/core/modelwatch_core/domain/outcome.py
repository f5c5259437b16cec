"""How an analysis ended: one value that every record and event carries."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from modelwatch_core.domain.documents import Owned, bounded_text, bounded_texts
from modelwatch_core.domain.scores import Score

LONGEST_REASON = 1024
"""SageMaker's limit for failure reasons and exit messages."""

_LONGEST_SENTENCE = 1000
_BYTES_OF_CHANGES = 40_000
_BYTES_OF_OTHER_TEXTS = 8_000
"""The most bytes of malformed examples, and of warnings. Events hold 256 KB, of which violations take up to 150 KB, and
names in these texts come from data."""

_Reason = Annotated[str, AfterValidator(lambda text: bounded_text(text, LONGEST_REASON))]


def _bounded(size: int) -> AfterValidator:
    return AfterValidator(lambda texts: bounded_texts(texts, characters=_LONGEST_SENTENCE, size=size))


_Texts = Annotated[tuple[str, ...], _bounded(_BYTES_OF_OTHER_TEXTS)]


class OutcomeStatus(StrEnum):
    """SageMaker's statuses for the end of an execution."""

    COMPLETED = "Completed"
    COMPLETED_WITH_VIOLATIONS = "CompletedWithViolations"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def is_completed(self) -> bool:
        """Whether the analysis came to its end, with or without violations."""
        return self in (OutcomeStatus.COMPLETED, OutcomeStatus.COMPLETED_WITH_VIOLATIONS)


class RecordCounts(Owned):
    """What became of everything that was read; nothing is left out without being counted here.

    Attributes
    ----------
    objects, bytes : int
        Files read, and their size as stored.
    read : int
        Rows parsed and analysed: of files, or of captured payloads.
    captured : int
        Captured records that these rows come from, which may hold several each; 0 for other data.
    malformed : int
        Lines or records left out, at least in part, because they could not be parsed.
    out_of_window : int
        Captured records left out because their time is outside the window.
    late : dict of str to int
        Rows or records that were read although they are of earlier windows, by the hour of their time: they reached S3
        after the execution of their window had looked. The latest 48 hours.
    duplicate_events : int
        Captured records whose event id was seen before. They are counted, and read all the same.
    dropped : int
        Records that the record preprocessor dropped.
    with_unread_fields : int
        Captured records that were read except for fields that the first 1,000 rows lack.
    encodings : dict of str to int
        Captured payloads read, by their encoding: CSV, JSON, BASE64.
    malformed_examples : tuple of str
        Where the first 20 malformed ones are: ``file:line: reason``. Never their content.
    """

    objects: int = 0
    bytes: int = 0
    read: int = 0
    captured: int = 0
    malformed: int = 0
    out_of_window: int = 0
    duplicate_events: int = 0
    dropped: int = 0
    with_unread_fields: int = 0
    encodings: dict[str, int] = Field(default_factory=dict)
    late: dict[str, int] = Field(default_factory=dict)
    malformed_examples: _Texts = ()
    remarks: SkipJsonSchema[tuple[str, ...]] = Field(default=(), exclude=True)
    """How the data was read where that was not certain, a sentence each; serialised with an analysis's warnings."""

    @property
    def total(self) -> int:
        """Records that were read or could not be parsed: of captures each may have several rows."""
        return self.malformed + (self.captured or self.read)

    @property
    def malformed_share(self) -> float:
        """The share of these records that could not be parsed; 0 without a record."""
        return self.malformed / self.total if self.total else 0.0


class GroundTruthCounts(Owned):
    """What became of predictions and labels when they were merged. All counts are of records, not of rows.

    Attributes
    ----------
    predictions : int
        Predictions in the window.
    labels : int
        Labels found.
    matched : int
        Predictions that have their label.
    unlabelled : int
        Predictions that have none yet.
    without_prediction : int
        Labels whose prediction is not in the window.
    duplicates : int
        Labels that came again with the same value.
    conflicting : int
        Labels that came again with another value.
    late : int
        Matched labels that were collected after the window had ended.
    ambiguous : int
        Predictions that have no label because several without an id are possible, by their times.
    """

    predictions: int = 0
    labels: int = 0
    matched: int = 0
    unlabelled: int = 0
    without_prediction: int = 0
    duplicates: int = 0
    conflicting: int = 0
    late: int = 0
    ambiguous: int = 0


class Outcome(Owned):
    """How an analysis ended.

    Attributes
    ----------
    exit_message : str, optional
        SageMaker's job exit message.
    failure_reason : str, optional
        Set when the status is Failed or Stopped: a code, what went wrong, and what to do.
    violation_count : int, optional
        How many constraints were violated; None where that is unknown: it failed or was stopped, nothing was compared,
        or a user's own container found violations and lists none.
    records : RecordCounts, optional
        What was read; None where the analysis did not come that far, or does not report it.
    ground_truth : GroundTruthCounts, optional
        Where predictions were merged with labels.
    changes : tuple of str
        What differs from the previous attempt at the same window, a sentence each; the first 100.
    warnings : tuple of str
        The number of warnings, and what is wrong with the files in the output folder, a sentence each.
    scores : tuple of Score
        The ten measures that were nearest to a violation, or are one; ``analysis_summary.json`` has more.
    """

    status: OutcomeStatus
    exit_message: _Reason | None = None
    failure_reason: _Reason | None = None
    violation_count: int | None = Field(default=None, ge=0)
    records: RecordCounts | None = None
    ground_truth: GroundTruthCounts | None = None
    changes: Annotated[tuple[str, ...], _bounded(_BYTES_OF_CHANGES)] = ()
    warnings: _Texts = ()
    scores: tuple[Score, ...] = ()

    @field_validator("violation_count")
    @classmethod
    def _is_known(cls, count: int | None, info: ValidationInfo) -> int | None:
        status = info.data.get("status")
        return count if status and status.is_completed else None

    @classmethod
    def failed(cls, reason: str) -> Outcome:
        """Return the outcome of an analysis that failed."""
        return cls(status=OutcomeStatus.FAILED, failure_reason=reason)

    @classmethod
    def stopped(cls, reason: str) -> Outcome:
        """Return the outcome of an analysis that was stopped."""
        return cls(status=OutcomeStatus.STOPPED, failure_reason=reason)
