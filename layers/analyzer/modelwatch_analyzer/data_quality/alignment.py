"""Which column of a dataset is which feature of the baseline, and which are missing or unexpected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.column_names import spelled_otherwise
from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.profile.lexical import infer_type
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Dataset
from modelwatch_analyzer.reading.find_columns import positional_names
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.constraint_violations import ConstraintViolation

_EXAMPLES, _LONGEST_EXAMPLE = 2, 40

MISSING_COLUMN_CHECK, EXTRA_COLUMN_CHECK = "missing_column_check", "extra_column_check"


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a dataset's columns correspond to the features of a baseline.

    Attributes
    ----------
    features : dict of str to str
        Name of the feature to name of its column. Features that have none are not in it.
    columns : tuple of str
        The columns that are analysed.
    named : bool
        Whether the columns were found by their names; otherwise by their position.
    current, baseline : int
        Number of columns of the dataset, and of the baseline.
    warning : str, optional
        What the user should know about it.
    """

    features: dict[str, str]
    columns: tuple[str, ...]
    named: bool
    current: int
    baseline: int
    warning: str | None = None

    @property
    def by_position(self) -> bool:
        """Whether there are as many columns as features, and none was found by a name that the data has."""
        return len(self.columns) == self.baseline and (
            not self.named or _are_unnamed(self.features.values(), self.current)
        )

    def missing_column(self, feature: str) -> ConstraintViolation | None:
        """Return the violation of a feature that is identified by its name and has no column."""
        absent = self.named and feature not in self.features
        return self._violation(feature, MISSING_COLUMN_CHECK) if absent else None

    def column_counts(self) -> Iterator[ConstraintViolation]:
        """Yield a violation for each column without a feature of its name, or one if the numbers of columns differ."""
        if self.named:
            taken = set(self.features.values())
            yield from (self._violation(name, EXTRA_COLUMN_CHECK) for name in self.columns if name not in taken)
        elif self.current < self.baseline:
            yield self._violation("Missing columns", MISSING_COLUMN_CHECK)
        elif self.current > self.baseline:
            yield self._violation("Extra columns", EXTRA_COLUMN_CHECK)

    def _violation(self, name: str, check_type: str) -> ConstraintViolation:
        kind = "missing" if check_type == MISSING_COLUMN_CHECK else "extra"
        description = (
            f"There are {kind} columns in current dataset. Number of columns in current dataset: {self.current}, "
            f"Number of columns in baseline constraints: {self.baseline}"
        )
        return ConstraintViolation(feature_name=name, constraint_check_type=check_type, description=description)


def left_features(dataset: Dataset, features: Sequence[str]) -> tuple[str, ...]:
    """Return the features of a baseline whose columns are not excluded from the dataset.

    They are identified by their names; where no column has a name by their position in the whole dataset, or among the
    columns of the requests, if there are as many features. A baseline may also have been made without them.
    """
    whole, left = dataset.without_exclusions, set(dataset.columns)
    excluded = set(whole.columns) - left
    if not dataset.named and len(features) != len(dataset.columns):
        for columns in (whole.columns, whole.input_columns):
            if len(columns) == len(features):
                return tuple(name for name, column in zip(features, columns, strict=True) if column in left)
    return tuple(name for name in features if name not in excluded)


def align(dataset: Dataset, features: Iterable[str]) -> Alignment:
    """Find the columns of a baseline's features.

    Columns with names are found by name, in any order; a name without its equal is taken for the only one that differs
    from it just in blanks around it, case, or Unicode form, and the warning says so. Where some have none, as in a CSV
    response to a request of JSON objects, and there are as many columns as features, those stand for the features at
    their places.

    Where no column has a name, they are found by position if there are as many as features. If there are not, but the
    requests alone of captured data have as many columns, the features are found in those: a baseline that was made
    from a model's inputs. Otherwise no feature is found.
    """
    names, columns = tuple(features), dataset.columns
    if dataset.named:
        present = set(columns)
        found = {name: name for name in names if name in present}
        if len(columns) == len(names):
            places = zip(names, columns, positional_names(len(columns)), strict=True)
            found |= {name: column for name, column, unnamed in places if name not in present and column == unnamed}
        alike = spelled_otherwise([name for name in names if name not in found], [*(present - {*found.values()})])
        found |= alike
        warning = _about_names(names, columns, found, alike)
        return Alignment(found, columns, True, len(columns), len(names), warning)
    if len(columns) == len(names):
        return Alignment(dict(zip(names, columns, strict=True)), columns, False, len(columns), len(names))
    inputs = dataset.input_columns
    count = f"the dataset has {len(columns)} columns and the baseline {len(names)}"
    if len(inputs) == len(names):
        warning = f"{count}, as many as the requests alone: those were checked, and the responses were left out"
        return Alignment(dict(zip(names, inputs, strict=True)), inputs, False, len(columns), len(names), warning)
    warning = f"{count}, so no column can be identified by its position: only the number of columns was checked"
    return Alignment({}, columns, False, len(columns), len(names), warning)


def _about_names(
    names: Sequence[str], columns: Sequence[str], found: Mapping[str, str], alike: Mapping[str, str]
) -> str | None:
    if alike:
        pairs = enumerated([f"{_cut(column)} as {_cut(name)}" for name, column in alike.items()])
        return (
            "columns whose names differ from the baseline's only in blanks, case or Unicode form were taken for the "
            f"same: {pairs}"
        )
    taken = set(found.values())
    extra = [_cut(column) for column in columns if column not in taken]
    if found and extra and _are_unnamed(taken, len(columns)):
        lacking = [_cut(name) for name in names if name not in found]
        return (
            f"columns without names were paired with the baseline by position, and {enumerated(extra)}, a name that "
            f"the baseline lacks, stands in the place of {enumerated(lacking)}: if it is the model's output, select it "
            "with a JMESPath in --inference-attribute or --probability-attribute, and it is found by position too"
        )
    if found or not names:
        return None
    sides = [" and ".join(map(_cut, side[:_EXAMPLES])) for side in (columns, names)]
    return f"no column has a name from the baseline: the data has {sides[0]}, the baseline {sides[1]}"


def _are_unnamed(columns: Iterable[str], of: int) -> bool:
    return {*columns} <= {*positional_names(of)}


def _cut(name: str) -> str:
    return repr(name if len(name) <= _LONGEST_EXAMPLE else f"{name[:_LONGEST_EXAMPLE]}...")


def expected_columns(constraints: Constraints, statistics: Statistics | None) -> Expected:
    """Say what a baseline knows of the columns, by which a reader distinguishes a header from a row for certain.

    A record can only be a row if each field is a number, or missing, where the baseline has numbers. Where it has
    none, each must be one of the baseline's values if it has counted those. The name of a column is no value, unless
    the baseline has counted it as one at its place.
    """
    named = statistics.named() if statistics else {}
    features = constraints.features
    names = tuple(feature.name for feature in features)

    def fits(fields: Sequence[str]) -> bool:
        numbers = known = unknown = 0
        for feature, field in zip(features, fields, strict=True):
            domains = feature.string_constraints.domains if feature.string_constraints else None
            values = {*(domains or ()), *(named[feature.name].categories if feature.name in named else ())}
            if field in names and field not in values:
                return False
            if field and feature.inferred_type.is_numeric:
                if not infer_type(pl.Series([field], dtype=pl.String)).is_numeric:
                    return False
                numbers += 1
            elif field and values:
                known, unknown = known + (field in values), unknown + (field not in values)
        return numbers > 0 or (known > 0 and unknown == 0)

    described = {name: feature.numerical_statistics or feature.string_statistics for name, feature in named.items()}
    optional = [name for name in names if (found := described.get(name)) and found.common.num_missing]
    return Expected(names, fits, tuple(optional))
