"""Which columns of a dataset the configuration names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.metric import BiasMetric, Stage, names_of
from modelwatch_analyzer.bias.table import BiasColumns, Prediction
from modelwatch_analyzer.bias.values import Listed
from modelwatch_analyzer.model_quality.labels import class_of
from modelwatch_analyzer.model_quality.probability_columns import classes_among, classes_of_columns
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Dataset, Role
from modelwatch_analyzer.reading.find_columns import existing
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.bias import BiasSettings
from modelwatch_core.domain.number_text import count_text

_TABLES = ("csv", "parquet")
_CAPTURE, _TRANSFORM = "sagemakerCaptureJson", "batchTransform"
_DEFAULT_THRESHOLD = 0.5


def attributes_of(settings: BiasSettings, config: BiasConfig, *, predictions_required: bool) -> BiasSettings:
    """Complete the settings' attributes by what the configuration says of label and predicted label.

    Names of ``headers`` are names of columns of a table without header, where they become indices. In payloads they
    have no meaning: there the label is what was merged with a prediction. In files of JSON a header may also be the
    field that holds the label. Outputs of transform jobs that were not merged have the label only if they were joined
    with inputs that have it.

    Parameters
    ----------
    predictions_required : bool
        Whether a table must have the predicted label: in a check against a baseline with metrics of predictions.
    """
    headerless = settings.dataset_format.name == "csv" and settings.dataset_format.options.get("header") is False
    known: dict[str, str | None] = {}
    for name, given in (("ground_truth_attribute", config.label), ("inference_attribute", config.predicted_label_name)):
        if getattr(settings, name) is None and given is not None:
            known[name] = str(given)
    requested = {
        name: known.get(name) or getattr(settings, name)
        for name in ("ground_truth_attribute", "inference_attribute", "probability_attribute")
    }
    if headerless and settings.ground_truth_source is None:
        for name, given in requested.items():
            if given in config.headers:
                known[name] = str(config.headers.index(given))
    elif (
        settings.dataset_format.name not in _TABLES
        and known.get("ground_truth_attribute") in config.headers
        and not (settings.dataset_format.name == "json" and _can_be_read(settings.model_copy(update=known)))
    ):
        del known["ground_truth_attribute"]
    not_merged = settings.dataset_format.name == _TRANSFORM and settings.ground_truth_source is None
    if not_merged and "ground_truth_attribute" in known and not _can_be_read(settings.model_copy(update=known)):
        del known["ground_truth_attribute"]
    if not predictions_required and _lacks(settings, known.get("inference_attribute")):
        del known["inference_attribute"]
    return settings.model_copy(update=known)


def of_training(given: BiasSettings, completed: BiasSettings, config: BiasConfig) -> dict[Role, str]:
    """Return whose attributes the configuration says, and not the settings, with the keys that say it."""
    keys = {Role.GROUND_TRUTH: "label", Role.INFERENCE: config.predicted_label_key}
    names = {role: f"{role}_attribute" for role in keys}
    return {
        role: keys[role] for role, name in names.items() if getattr(given, name) is None and getattr(completed, name)
    }


def _can_be_read(settings: BiasSettings) -> bool:
    """Return whether the data have what the attributes name."""
    try:
        return bool(open_dataset(settings).roles)
    except InvalidInput:
        return False


def _lacks(settings: BiasSettings, column: str | None) -> bool:
    """Return whether a table has no such column: training data without predictions."""
    if column is None or settings.dataset_format.name not in _TABLES:
        return False
    return not column.isdecimal() and column not in open_dataset(settings).columns


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is read and measured.

    Attributes
    ----------
    label : str
        Its name in reports.
    metrics, left_out : tuple of BiasMetric
        Those that are requested and that the data allows; and those that are requested and need labels, of data that
        has none.
    remarks : tuple of str
        What users should know of ``excluded_columns``.
    """

    columns: BiasColumns
    label: str
    metrics: tuple[BiasMetric, ...]
    left_out: tuple[BiasMetric, ...]
    remarks: tuple[str, ...]


def columns_of(dataset: Dataset, config: BiasConfig, settings: BiasSettings, known: Collection[str] = ()) -> Chosen:
    """Find the columns.

    Parameters
    ----------
    settings : BiasSettings
        Completed by `attributes_of`.
    known : collection of str
        The facets of a baseline: one that it calls by its column has this name.

    Raises
    ------
    InvalidInput
        ``UnknownColumn``, ``LabelsNotGiven`` where there are neither labels nor predictions, or none but metrics of
        labels are requested, ``OneColumnExpected``, ``SameColumn``, ``FeaturesNotFound``, or ``InvalidAnalysisConfig``
        for a facet that is there by its name and by its index, or is the column of labels or predictions.
    """
    roles = dataset.roles
    label = _label(roles.get(Role.GROUND_TRUTH, ()))
    prediction = _prediction(dataset, config, settings, label)
    metrics = tuple(each for each in config.metrics if each.stage is Stage.PRE_TRAINING or prediction is not None)
    left_out = () if label else tuple(each for each in metrics if each.needs_labels)
    metrics = tuple(each for each in metrics if each not in left_out)
    if label is None and (prediction is None or not metrics):
        raise _nothing_to_measure(config, left_out if prediction else ())
    features = roles.get(Role.FEATURES, ())
    names = _Names(
        dataset,
        features,
        config,
        by_feature=settings.features_attribute is not None,
        is_table=settings.dataset_format.name in _TABLES,
        labelled=label is not None,
    )
    predicted = prediction.columns if prediction else ()
    if label in predicted:
        message = f"{label!r} is named both as the label and as the prediction: name a different column for one of them"
        raise InvalidInput("SameColumn", message)
    facets = {}
    for facet in config.facet:
        column = names.column(facet.name_or_index, "facet is")
        shown = names.shown(facet.name_or_index, column)
        if shown not in known and column in known:
            shown = column
        if column == label or column in predicted:
            what = "labels" if column == label else "predictions"
            message = f"the facet {shown!r} is the column of {what}: choose a different column"
            order = ". headers must name the features in their order, and then the label" if config.headers else ""
            raise InvalidInput("InvalidAnalysisConfig", message + order)
        if shown in facets:
            message = f"the facet {shown!r} is given by name and by index; list all its values in one entry"
            raise InvalidInput("InvalidAnalysisConfig", message)
        facets[shown] = column, Listed(facet.value_or_threshold)
    flipped = any(each.name == "FT" for each in metrics)
    to_exclude, unnamed = _excluded_names(config, settings)
    excluded, absent = names.excluded(to_exclude)
    if settings.dataset_format.name not in _TABLES or settings.baseline_constraints is not None:
        absent = []  # what is not sent to the model is not in captures, and later tables may lack it too
    if absent and flipped:
        raise absent[0]
    columns = BiasColumns(
        label=label,
        positive=Listed(config.label_values_or_threshold),
        facets=facets,
        group=None if config.group_variable is None else names.column(config.group_variable, "group_variable is"),
        prediction=prediction,
        features=tuple(name for name in features if flipped and name not in excluded),
    )
    label_name = _label_name(config, settings, dataset, columns)
    remarks = tuple(_remarks(unnamed)) if flipped else tuple(error.message for error in absent)
    return Chosen(columns, label_name, metrics, left_out, remarks)


def _label(columns: Sequence[str]) -> str | None:
    if len(columns) > 1:
        message = (
            f"{len(columns)} columns could be the label: name the right one with ground_truth_attribute, or with label "
            "in the configuration"
        )
        raise InvalidInput("OneColumnExpected", message)
    return columns[0] if columns else None


def _excluded_names(config: BiasConfig, settings: BiasSettings) -> tuple[Sequence[str | int], Sequence[str]]:
    """Return the columns to exclude, and those that only an index gives which means nothing in this data.

    An index is that of a column of the training data. Captured columns are others, in another order.
    """
    given = config.excluded_columns
    if settings.dataset_format.name not in (_CAPTURE, _TRANSFORM):
        return given, ()
    headers = [_header(config, name) for name in given]
    unnamed = [header for header in headers if header.isdecimal() and header not in config.headers]
    return [header for header in headers if header not in unnamed], unnamed


def _remarks(unnamed: Sequence[str]) -> Iterator[str]:
    if unnamed:
        yield (
            f"excluded_columns gives {enumerated(unnamed)} by index, which means nothing in captures, so the flip test "
            "leaves out no column for it. Give names, or list the columns of the training data in headers"
        )


def _nothing_to_measure(config: BiasConfig, left_out: Sequence[BiasMetric]) -> InvalidInput:
    """Return the error for data without labels: without predictions either, or with these left out."""
    message = (
        "no column is known to be the label: name it with ground_truth_attribute, or with label in the configuration"
    )
    if left_out:
        return InvalidInput("LabelsNotGiven", f"{message}; {names_of(left_out)} cannot be computed without labels")
    message += ". Some metrics need predictions only: name them with inference_attribute or probability_attribute"
    if config.predicted_label_name is not None:
        message += f"; the data has no column {config.predicted_label_name!r}, the {config.predicted_label_key}"
    return InvalidInput("LabelsNotGiven", message)


class _Names:
    """Finds columns by name or index."""

    def __init__(
        self,
        dataset: Dataset,
        features: Sequence[str],
        config: BiasConfig,
        *,
        by_feature: bool,
        is_table: bool,
        labelled: bool,
    ) -> None:
        self._columns, self._named = dataset.columns, dataset.named
        self._indexed = features if by_feature else dataset.input_columns
        self._features = features
        self._config = config
        self._is_table, self._labelled = is_table, labelled

    def column(self, name: str | int, subject: str) -> str:
        """Return the column; errors begin with the subject and the name."""
        if isinstance(name, str) and name in self._columns:
            return name
        headers = self._headers() if name in self._config.headers else {}
        if name in headers:
            return headers[str(name)]
        index = int(name) if isinstance(name, int) or name.isdecimal() else len(self._indexed)
        if 0 <= index < len(self._indexed):
            return self._indexed[index]
        known = [*(self._config.headers or self._columns)]
        message = f"{subject} {name!r}, but the data has no such column; {existing(known, name)}"
        if not (self._named or self._config.headers):
            message += ". Its columns have no names: list the names of the features and of the label in headers"
        raise InvalidInput("UnknownColumn", message)

    def excluded(self, names: Iterable[str | int]) -> tuple[set[str], list[InvalidInput]]:
        """Return the columns that names or indices exclude, and an error for each that the data does not have."""
        found, absent = set[str](), list[InvalidInput]()
        for name in names:
            try:
                found.add(self.column(name, "excluded_columns names"))
            except InvalidInput as error:
                absent.append(error)
        return found, absent

    def shown(self, name: str | int, column: str) -> str:
        """Return the name in reports."""
        if isinstance(name, str) and not name.isdecimal():
            return name
        shown = {column: header for header, column in self._headers().items()} if self._config.headers else {}
        return shown.get(column, column)

    def _headers(self) -> Mapping[str, str]:
        """Return the columns that headers name: the features, or all columns, in their order."""
        config = self._config
        others = {_header(config, config.label), _header(config, config.predicted_label_name)}
        named = [header for header in config.headers if header not in others]
        excluded = {_header(config, name) for name in config.excluded_columns}
        sent = [header for header in named if header not in excluded]
        choices = [(each, self._features) for each in (named, sent, config.headers[:-1])]
        # Headers of training data may be as many as captured columns, whose order is another. Without labels, those of
        # features and label are as many as the columns of features and one prediction.
        place = 0 if self._is_table else 2 if self._labelled else len(choices)
        choices.insert(place, (config.headers, self._columns))
        for headers, columns in choices:
            if len(headers) == len(columns):
                return dict(zip(headers, columns, strict=True))
        count = count_text(len(named), "feature")
        message = f"headers names {count} besides the label, but the data has {len(self._features)}: name all of them"
        raise InvalidInput("FeaturesNotFound", message)


def _header(config: BiasConfig, name: str | int | None) -> str:
    """Return the header that a name is, or an index into the headers."""
    text = str(name)
    by_index = text not in config.headers and text.isdecimal() and int(text) < len(config.headers)
    return config.headers[int(text)] if by_index else text


def _label_name(config: BiasConfig, settings: BiasSettings, dataset: Dataset, columns: BiasColumns) -> str:
    """Return the label's name in reports: that in the headers or in the table, or else the one that is given.

    Without labels and without any name of them, it is that of the predictions.
    """
    features = dataset.roles.get(Role.FEATURES, ())
    header = _header(config, config.label)
    if config.label in config.headers or (header in config.headers and len(config.headers) > len(features)):
        return header
    if config.headers and len(config.headers) == len(features) + 1:
        return config.headers[-1]
    given = config.label if config.label is not None else settings.ground_truth_attribute
    if given is not None and str(given).isdecimal() and dataset.named and settings.dataset_format.name in _TABLES:
        return str(columns.label)
    if given is not None:
        return str(given)
    return columns.label or str(config.predicted_label_name or columns.predicted)


def _prediction(dataset: Dataset, config: BiasConfig, settings: BiasSettings, label: str | None) -> Prediction | None:
    roles = dataset.roles
    labels, scores = roles.get(Role.INFERENCE, ()), roles.get(Role.PROBABILITY, ())
    threshold = next(
        (
            given
            for given in (settings.probability_threshold_attribute, config.probability_threshold)
            if given is not None
        ),
        _DEFAULT_THRESHOLD,
    )
    if not labels and not scores:
        return None
    if settings.inference_attribute is None and len(labels) == 1:  # a response without attributes
        return Prediction(labels, labels, threshold, guessed=True)
    if len(labels) == 1:
        return Prediction(labels, threshold=threshold)
    if not labels and len(scores) == 1:
        return Prediction(scores=scores, threshold=threshold)
    if not labels:
        positive = set(map(class_of, config.label_values_or_threshold))
        classes = classes_among(scores, classes_of_columns(scores, label or "0"), positive)
        return Prediction(scores=scores, classes=tuple(classes), threshold=threshold)
    if len(labels) == len(scores):
        return Prediction(labels, scores, threshold)
    message = (
        f"the predictions have {count_text(len(labels), 'column')} of labels and {len(scores)} of probabilities: name "
        "one label with inference_attribute, or as many as there are probabilities"
    )
    raise InvalidInput("OneColumnExpected", message)
