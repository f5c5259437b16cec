"""Columns without names, which are numbered in the order of the first party: responses first, the request after them.

A file of training data has the response last, as a rule, so the same number may be another column there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modelwatch_analyzer.reading.dataset import Dataset
from modelwatch_analyzer.wording import listed

_PLACE = re.compile(r"_c[0-9]+")


def are_numbered(columns: Iterable[str]) -> bool:
    """Return whether no column has a name, but only a number."""
    return all(map(_PLACE.fullmatch, columns))


def come_first(dataset: Dataset) -> bool:
    """Return whether responses are numbered before the columns of the request."""
    inputs = dataset.input_columns
    return bool(inputs) and dataset.columns[0] not in inputs and _PLACE.fullmatch(inputs[0]) is not None


def order_of(dataset: Dataset) -> str:
    """Say which numbers the columns of such a dataset have."""
    return (
        f"responses come first: {dataset.columns[0]} is the response, {dataset.input_columns[0]} the request's first "
        "column"
    )


def remarks_on_numbers(dataset: Dataset, names: Iterable[object]) -> Iterator[str]:
    """Say that a configuration names columns by numbers that count the responses."""
    numbered = [name for name in names if isinstance(name, str) and _PLACE.fullmatch(name) and name in dataset.columns]
    if numbered and come_first(dataset):
        yield (
            f"the configuration names {listed(numbered)}, and in captured data {order_of(dataset)}. If you mean a "
            "feature's place in the request, give its index, from 0, or list all features in headers"
        )
