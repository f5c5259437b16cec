"""The analysis contract: what a host hands to the analyzer, and what the analyzer hands back."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import NonEmpty, Owned, S3Uri


class AnalysisStatus(StrEnum):
    """How an analysis ended, in SageMaker's words for an execution."""

    COMPLETED = "Completed"
    COMPLETED_WITH_VIOLATIONS = "CompletedWithViolations"
    FAILED = "Failed"


class RecordCounts(Owned):
    """What became of everything that was read; nothing is left out without being counted here.

    Attributes
    ----------
    objects, bytes : int
        Files read, and their size as stored.
    read : int
        Rows understood and analysed: of files, or of captured payloads.
    captured : int
        Captured records that these rows come from, which may hold several each; 0 for other data.
    malformed : int
        Lines or records left out because they could not be understood.
    out_of_window : int
        Captured records left out because their time lies outside the window.
    duplicate_events : int
        Captured records whose event id was seen before. They are counted, and read all the same.
    dropped : int
        Records that the record preprocessor dropped.
    with_unread_fields : int
        Captured rows that were read but for fields that the first 1,000 rows lack.
    encodings : dict of str to int
        Captured payloads read, by their encoding: CSV, JSON, BASE64.
    malformed_examples : tuple of str
        Where the first 20 malformed ones lie: ``file:line: reason``. Never their content.
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
    malformed_examples: tuple[str, ...] = ()


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
        Labels that came again and said the same.
    conflicting : int
        Labels that came again and said something else.
    late : int
        Matched labels that were collected after the window had ended.
    """

    predictions: int = 0
    labels: int = 0
    matched: int = 0
    unlabelled: int = 0
    without_prediction: int = 0
    duplicates: int = 0
    conflicting: int = 0
    late: int = 0


class AnalysisSummary(Owned):
    """What an analysis found, in brief; ``analysis_summary.json`` beside the reports.

    Attributes
    ----------
    exit_message : str
        SageMaker's job exit message; starts with the status.
    warnings : tuple of str
        What a person should know though it is no violation: few rows, columns that could not be compared.
    notes : tuple of str
        How it was done, and at what expense, where that is not always the same.
    violations : tuple of ConstraintViolation
        All of them, in the order of the report.
    ground_truth : GroundTruthCounts, optional
        Where predictions were merged with labels.
    changes : tuple of str
        What is other than in an earlier run of the same window, a sentence each.
    outputs : dict of str to str
        Name of each file written to its path below the output folder.
    """

    status: AnalysisStatus
    exit_message: str
    records: RecordCounts = RecordCounts()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    violations: tuple[ConstraintViolation, ...] = ()
    ground_truth: GroundTruthCounts | None = None
    changes: tuple[str, ...] = ()
    outputs: dict[str, str] = Field(default_factory=dict)


class AnalysisInput(Owned):
    """An object in S3, or a folder of them, and where it goes below the host's working folder.

    Attributes
    ----------
    path : str
        A folder if it ends with a slash; else the file that the one object becomes.
    """

    s3_uri: S3Uri
    path: NonEmpty


class AnalysisOutput(Owned):
    """A folder below the host's working folder, and the folder in S3 that receives its files."""

    path: NonEmpty
    s3_uri: S3Uri


class AnalysisRequest(Owned):
    """One analysis for a host to run.

    Attributes
    ----------
    subject : str
        Whose analysis it is, see ``modelwatch_core.domain.events.AnalysisEnded``.
    environment : dict of str to str
        SageMaker's container environment. Paths in it that start with ``/opt/ml/processing/`` are mapped by the
        host to where it puts things.
    inputs : tuple of AnalysisInput
        What to fetch.
    files : dict of str to str
        Small files that are not in S3: text by path below the working folder.
    output_s3_uri : str
        The folder that is written whole.
    further_outputs : tuple of AnalysisOutput
        What else is stored.
    """

    subject: NonEmpty
    environment: dict[str, str]
    inputs: tuple[AnalysisInput, ...]
    files: dict[str, str] = Field(default_factory=dict)
    output_s3_uri: S3Uri
    further_outputs: tuple[AnalysisOutput, ...] = ()
