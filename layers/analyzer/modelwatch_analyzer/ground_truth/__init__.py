"""Datasets with predictions and ground truth: they have both, or are merged with labels that were collected later."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from modelwatch_analyzer.ground_truth.labels import MAX_EXAMPLES, GroundTruth, read_ground_truth
from modelwatch_analyzer.ground_truth.merging import Merge, merge, merged_file_name
from modelwatch_analyzer.ground_truth.predictions import CapturedPredictions, TransformedPredictions
from modelwatch_analyzer.reading import dataset_options, open_captured, open_dataset
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.dataset import Dataset, Role
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.find_columns import find_columns
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_core.domain.analysis_settings import AnalysisSettings, DatasetFormat, GroundTruthSettings
from modelwatch_core.domain.dataset_formats import GROUND_TRUTH, TRANSFORM_OUTPUT, BatchTransformOptions
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import kind_of_analysis
from modelwatch_core.domain.number_text import count_text, left_out_text
from modelwatch_core.domain.outcome import GroundTruthCounts

__all__ = ["LabelledDataset", "open_labelled_dataset"]

_CAPTURE, _TRANSFORM = "sagemakerCaptureJson", "batchTransform"
_INDEX_NAMES = "captureIndexNames"


@dataclass(frozen=True, slots=True)
class LabelledDataset:
    """A dataset with predictions and labels.

    Attributes
    ----------
    counts : GroundTruthCounts, optional
        The counts of the merge, if predictions and labels were merged.
    warnings : tuple of str
        What users should know about the labels.
    bare : frozenset of Role
        What is one value without the name that it has in training data, or predictions that are probabilities alone,
        so that the attribute was not used that names it there.
    """

    dataset: Dataset
    counts: GroundTruthCounts | None = None
    warnings: tuple[str, ...] = ()
    bare: frozenset[Role] = frozenset()


def open_labelled_dataset(
    settings: GroundTruthSettings, *, labels_required: bool = True, of_training: Collection[Role] = ()
) -> LabelledDataset:
    """Open predictions with their labels.

    With ``ground_truth_source`` the captured predictions of the window are merged with the labels there, and the merged
    records are written below ``merged_output_path`` and opened. Without it the dataset must have both.

    Parameters
    ----------
    labels_required : bool
        Whether captured records without labels are refused; otherwise they are opened as they are.
    of_training : collection of Role
        Whose attributes name columns of the training data. Captured payloads may have these names too, but one value
        that has another name, or none, is the label, or the prediction, in any case.

    Raises
    ------
    InvalidInput
        ``GroundTruthNotFound`` if there are no labels, ``InvalidGroundTruth`` for files of neither form,
        ``NoMatchingGroundTruth`` if no prediction has a label, ``NoInferenceIds`` for transform jobs without ids,
        ``GroundTruthNotMergeable`` for other formats, ``OutputAmongInput``, ``OutputNotWritable``, and what
        `open_dataset` raises.
    """
    if settings.ground_truth_source is None:
        return _open_with_labels(settings, of_training, required=labels_required)
    log, label_log = ReadLog(), ReadLog()
    output = settings.merged_output_path or settings.output_path / "merge"
    for source in (settings.dataset_source, settings.ground_truth_source):
        if output.resolve().is_relative_to(source.resolve()):
            message = f"merged records would be written into {source}, which is input: give another output folder"
            raise InvalidInput("OutputAmongInput", message)
    predictions = _predictions(settings)
    ground_truth = read_ground_truth(settings.ground_truth_source, settings.end_time, label_log)
    tolerance = timedelta(seconds=settings.ground_truth_time_tolerance)
    name = merged_file_name(settings.start_time, settings.end_time)
    merged = merge(predictions, ground_truth, output, log, file_name=name, tolerance=tolerance)
    records = CapturedRecords(merged.files, merge_log=log)
    merged_settings = _settings_of_merged(settings, predictions)
    opened, bare = _open(lambda each: open_captured(each, records), merged_settings, of_training)
    return LabelledDataset(opened, merged.counts, tuple(_warnings(ground_truth, merged, label_log)), bare)


def _open(
    opener: Callable[[AnalysisSettings], Dataset], settings: AnalysisSettings, of_training: Collection[Role]
) -> tuple[Dataset, frozenset[Role]]:
    """Open captured records, without the attributes of training data whose roles are single values of another name.

    Return these roles too.
    """
    bare: frozenset[Role] = frozenset()
    single: Collection[Role] = ()
    if of_training and settings.record_preprocessor_script is None:
        from modelwatch_analyzer.reading.capture import CaptureFiles

        with suppress(InvalidInput):
            unnamed = opener(_without(settings, of_training))
            if isinstance(unnamed, CaptureFiles):
                bare = unnamed.bare_roles.intersection(of_training)
                single = [role for role, columns in unnamed.roles.items() if len(columns) == 1]
    try:
        return opener(_without(settings, bare)), bare
    except InvalidInput:
        # Responses may have no predicted label, but the probability that the settings name.
        needless = {*single, *([Role.INFERENCE] if settings.probability_attribute else [])}.intersection(of_training)
        lost = {role for role in needless - bare if not _finds(opener, settings, of_training, role)}
        if not lost:
            raise
        bare |= lost
        return opener(_without(settings, bare)), bare


def _finds(
    opener: Callable[[AnalysisSettings], Dataset], settings: AnalysisSettings, of_training: Collection[Role], role: Role
) -> bool:
    """Return whether one of the attributes of training data finds anything."""
    try:
        opener(_without(settings, {*of_training} - {role}))
    except InvalidInput:
        return False
    return True


def _without(settings: AnalysisSettings, roles: Collection[Role]) -> AnalysisSettings:
    return settings.model_copy(update={f"{role}_attribute": None for role in roles})


def _open_with_labels(settings: AnalysisSettings, of_training: Collection[Role], *, required: bool) -> LabelledDataset:
    captured, bare = settings.dataset_format.name == _CAPTURE, frozenset[Role]()
    if captured:
        dataset, bare = _open(open_dataset, _with_ground_truth(settings), of_training)
    else:
        dataset = open_dataset(settings)
    unlabelled = captured and not settings.record_preprocessor_script and Role.GROUND_TRUTH not in dataset.roles
    if required and unlabelled:
        message = (
            f"the records in {settings.dataset_source} have no groundTruthData: give the labels in ground_truth_source,"
            " or records that have been merged with them"
        )
        raise InvalidInput("GroundTruthNotFound", message)
    return LabelledDataset(dataset, bare=bare)


def _predictions(settings: AnalysisSettings) -> CapturedPredictions | TransformedPredictions:
    source, times = settings.dataset_source, RecordTimes.of(settings)
    if settings.dataset_format.name == _CAPTURE:
        return CapturedPredictions(source_files(source), times)
    if settings.dataset_format.name == _TRANSFORM:
        options = dataset_options(settings, BatchTransformOptions).model_copy(update={"side": "output"})
        return TransformedPredictions.of(source, options, settings.sagemaker_monitoring_schedule_name or "", times)
    message = (
        f"labels in separate files can be merged only with captures ({_CAPTURE}) and transform outputs ({_TRANSFORM}):"
        f" put the labels into the {settings.dataset_format.name} data, and name their column with"
        " ground_truth_attribute"
    )
    raise InvalidInput("GroundTruthNotMergeable", message)


def _settings_of_merged(
    settings: AnalysisSettings, predictions: CapturedPredictions | TransformedPredictions
) -> AnalysisSettings:
    """Return the settings with which merged records are read."""
    if isinstance(predictions, CapturedPredictions):
        return _with_ground_truth(settings)
    changes: dict[str, Any] = {"dataset_format": DatasetFormat(name=_CAPTURE)}
    if predictions.options.json_format is None:  # the columns of comma-separated text have lost their names
        columns = predictions.columns()
        for role in (Role.INFERENCE, Role.PROBABILITY):
            name = getattr(settings, f"{role}_attribute")
            found = name and find_columns(columns, name)
            if found:
                changes[f"{role}_attribute"] = ",".join(str(columns.index(column)) for column in found)
    return _with_ground_truth(settings.model_copy(update=changes))


def _with_ground_truth(settings: AnalysisSettings) -> AnalysisSettings:
    """Let ground truth be read in addition to the sides that are requested, or that the kind of monitor reads."""
    options = settings.dataset_format.options
    kind = kind_of_analysis(settings.analysis_type)
    sides = dict.fromkeys((*options.get(_INDEX_NAMES, (*kind.captured_sides, TRANSFORM_OUTPUT)), GROUND_TRUTH))
    changed = DatasetFormat(name=_CAPTURE, options=options | {_INDEX_NAMES: list(sides)})
    return settings.model_copy(update={"dataset_format": changed})


def _warnings(ground_truth: GroundTruth, merged: Merge, log: ReadLog) -> Iterator[str]:
    yield from log.remarks
    if log.malformed:
        examples = "; ".join(log.malformed_examples[:MAX_EXAMPLES])
        yield f"{left_out_text(log.malformed, 'label', 'that cannot be parsed')}, for instance {examples}"
    if ground_truth.conflicting:
        yield (
            f"{left_out_text(ground_truth.conflicting, 'label', 'contradicted by another one with the same id')}: only"
            " the last one, by path and line, is used"
        )
    if merged.counts.ambiguous:
        yield (
            f"several labels are possible for {count_text(merged.counts.ambiguous, 'prediction')}, so none was taken:"
            " labels without an id match by time, and more than one label or prediction is near"
        )
    if merged.counts.unlabelled:
        predictions = count_text(merged.counts.predictions, "prediction")
        yield f"there is no label yet for {merged.counts.unlabelled:,} of {predictions}"
