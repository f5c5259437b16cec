"""The analysis contract: what a host hands to the analyzer, and what the analyzer hands back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from pydantic import Field

from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import ExactUtcDatetime, NonEmpty, ObjectUri, Owned, S3Uri, SageMakerName
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import GroundTruthCounts, Outcome, OutcomeStatus, RecordCounts
from modelwatch_core.domain.processing_parameters import ProcessingParameters
from modelwatch_core.domain.scores import MOST_IN_AN_OUTCOME, Score
from modelwatch_core.domain.settings_environment import SettingsOfAnyKind

MOST_CHANGES = 100
"""The most changes since the previous attempt that events and records hold, because their size is limited; the report
has all."""


_IN_HOUR = re.compile(r"/?(?:[01]\d|2[0-3])/")
_TIME = re.compile(r"[0-5]\d-[0-5]\d-")
_LENGTH_OF_TIME = len("mm-ss")


class AnalysisSummary(Owned):
    """What an analysis found, in brief; ``analysis_summary.json`` beside the reports.

    Attributes
    ----------
    exit_message : str
        SageMaker's job exit message; starts with the status.
    warnings : tuple of str
        What a person should know though it is not a violation: few rows, columns that could not be compared.
    notes : tuple of str
        How it was done, and at what expense, where that varies.
    violations : tuple of ConstraintViolation
        All of them, in the order of the report.
    ground_truth : GroundTruthCounts, optional
        Where predictions were merged with labels.
    changes : tuple of str
        What differs from the previous attempt at the same window, a sentence each.
    outputs : dict of str to str
        Name of each file written to its path below the output folder.
    scores : tuple of Score
        What was measured, the worst first; at most 1,000.
    """

    status: OutcomeStatus
    exit_message: str
    records: RecordCounts = RecordCounts()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    violations: tuple[ConstraintViolation, ...] = ()
    ground_truth: GroundTruthCounts | None = None
    changes: tuple[str, ...] = ()
    outputs: dict[str, str] = Field(default_factory=dict)
    scores: tuple[Score, ...] = ()

    @property
    def is_check(self) -> bool:
        """Whether data were compared with a baseline; otherwise one was made."""
        return not self.outputs or "constraint_violations.json" in self.outputs

    @property
    def outcome(self) -> Outcome:
        """The summary as records and events carry it."""
        return Outcome(
            status=self.status,
            exit_message=self.exit_message,
            violation_count=len(self.violations) if self.is_check else None,
            records=self.records,
            ground_truth=self.ground_truth,
            changes=self.changes[:MOST_CHANGES],
            warnings=tuple(self._notice()),
            scores=tuple(score.brief for score in self.scores[:MOST_IN_AN_OUTCOME]),
        )

    def _notice(self) -> Iterator[str]:
        """Say that there are warnings: they may quote values of rows, which events and mails must not."""
        if self.warnings:
            yield f"the analysis has {count_text(len(self.warnings), 'warning')}: see its report.html"


class AnalysisInput(Owned):
    """An object in S3, or a folder of them, and where it goes below the host's working folder.

    A host finds the objects itself, so that a request is short however many there are.

    Attributes
    ----------
    path : str
        A folder if it ends with a slash; else the file that the one object becomes.
    names : tuple of str, optional
        For a folder of captures, the first minute and second of the files to fetch, as their names begin, and the last,
        exclusive. Files whose names do not begin with a time are fetched.
    in_hours : bool
        For a folder of the captures of a day, that only the files in its folders of hours are fetched: whatever else is
        in it, windows of an hour do not read.
    modified_after, modified_until : datetime, optional
        When the objects to fetch were last modified, exclusive and inclusive.
    collected : tuple of datetime, optional
        For a folder of ground truth, the first and the last day and hour in which the labels to fetch were collected.
        Those in no hour folder are fetched too.
    objects_path : str, optional
        For a manifest of a batch transform job, the folder for the objects that it names, each by bucket and key.
    """

    s3_uri: ObjectUri
    path: NonEmpty
    names: tuple[str, str] | None = None
    in_hours: bool = False
    modified_after: ExactUtcDatetime | None = None
    modified_until: ExactUtcDatetime | None = None
    collected: tuple[ExactUtcDatetime, ExactUtcDatetime] | None = None
    objects_path: NonEmpty | None = None

    def takes(self, s3_uri: str, modified: datetime) -> bool:
        """Return whether an object is to be fetched, by where it is and when it was last modified."""
        name = s3_uri.rpartition("/")[2]
        if not name:  # a folder marker made by a console
            return False
        if self.in_hours and not _IN_HOUR.match(s3_uri.removeprefix(self.s3_uri)):
            return False
        if self.modified_after is not None and modified <= self.modified_after:
            return False
        if self.modified_until is not None and modified > self.modified_until:
            return False
        if self.names is None or not _TIME.match(name):
            return True
        return self.names[0] <= name[:_LENGTH_OF_TIME] < self.names[1]


class AnalysisOutput(Owned):
    """A folder below the host's working folder, and the folder in S3 that receives its files."""

    path: NonEmpty
    s3_uri: S3Uri


class AnalysisRequest(Owned):
    """One analysis for a host to run.

    Attributes
    ----------
    subject : str
        Whose analysis it is, see ``modelwatch_core.domain.events.AnalysisEnded``. A host runs a subject once.
    settings : AnalysisSettings
        Paths in it that are below ``/opt/ml/processing`` are mapped by the host to where it puts things.
    inputs : tuple of AnalysisInput
        What to fetch.
    named : tuple of str
        What is read besides, because an input names it: objects, or folders, whose URIs end with a slash.
    endpoint_name : str, optional
        The endpoint that the configuration of an explanation names.
    files : dict of str to str
        Small files that are not in S3: text by path below the working folder.
    output_s3_uri : str
        The folder that is written whole.
    further_outputs : tuple of AnalysisOutput
        What else is stored.
    host : str
        The name of the host that was chosen.
    host_reason : str
        Why.
    job_name : str, optional
        Its name as a processing job, which depends on the identity of what it is for alone.
    processing : ProcessingParameters, optional
        How the user wants a processing job to run it.
    image_uri : str, optional
        The user's own container image, which is run in place of our analyzer.
    """

    subject: NonEmpty
    settings: SettingsOfAnyKind
    inputs: tuple[AnalysisInput, ...]
    named: tuple[ObjectUri, ...] = ()
    endpoint_name: SageMakerName | None = None
    files: dict[str, str] = Field(default_factory=dict)
    output_s3_uri: S3Uri
    further_outputs: tuple[AnalysisOutput, ...] = ()
    host: NonEmpty
    host_reason: str = ""
    job_name: SageMakerName | None = None
    processing: ProcessingParameters | None = None
    image_uri: NonEmpty | None = None

    @property
    def chosen_host(self) -> str:
        """The host and why it was chosen, for people: the reason names it."""
        return self.host_reason or self.host
